#!/usr/bin/env node
import { main } from '../dist/sdctl/main.js';

process.exitCode = await main(process.argv.slice(2));
