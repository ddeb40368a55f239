#!/usr/bin/env -S node --max-semi-space-size=1
import { main } from '../dist/main.js';

// a module of somebody else's may have something going that would keep the process
process.exit(await main(process.argv.slice(2)));
