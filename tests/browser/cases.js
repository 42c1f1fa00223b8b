/* cases.js - the list. Pages that need no sound are looked at with fake.js, everything else with the real server and phones. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { HERE } from './stage.js';
import { pictures } from './cases-docs.js';
import { looks } from './cases-look.js';
import { plays } from './cases-play.js';

/**
 * @typedef {object} Case
 * @property {string} name
 * @property {string} what
 * @property {number} limit   seconds
 * @property {boolean} [alone]   it measures how fast the page is: nothing else meanwhile
 * @property {(c: import('./kit.js').Ctx) => Promise<unknown>} run
 */

/** @type {Case} */
const types = {
	name: 'types', what: 'tsc --checkJs finds nothing in web/ui', limit: 180,
	async run(c) {
		const args = [join(HERE, 'node_modules/typescript/bin/tsc'), '-p', HERE];
		await new Promise((resolve) => execFile(process.execPath, args, (error, stdout) => {
			if (error)
				c.wrong.push(stdout || error.message);
			resolve(undefined);
		}));
	},
};

/* A page by itself wants the processor, one with phones mostly waits for them: the two lists go on beside each other. */
const together = [[types, ...looks], plays.filter((c) => !c.alone)];
const last = [...plays.filter((c) => c.alone), ...(process.env.DOCS ? [pictures] : [])];

/** What goes on at one time, one list of lanes after the other. @type {Case[][][]} */
export const stages = [together, [last]];
