/* cases.js - the list. Pages that need no sound are looked at with fake.js, everything else with the real server and phones. */
import { spawnSync } from 'node:child_process';
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
 * @property {(c: import('./kit.js').Ctx) => Promise<unknown>} run
 */

/** @type {Case} */
const types = {
	name: 'types', what: 'tsc --checkJs finds nothing in web/ui', limit: 180,
	async run(c) {
		const { status, stdout } = spawnSync(process.execPath, [join(HERE, 'node_modules/typescript/bin/tsc'), '-p', HERE], { encoding: 'utf8' });
		if (status)
			c.wrong.push(stdout);
	},
};

/** @type {Case[]} */
export const cases = [types, ...looks, ...plays, ...(process.env.DOCS ? [pictures] : [])];
