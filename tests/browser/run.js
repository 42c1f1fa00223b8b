/* run.js - the console in a real browser, told in TAP.
 *
 *     node tests/browser/run.js [--list] [CASE...]        CASE: a name or the beginning of one
 *
 *     TUTTI, TUTTI_BUILD   the server and its folder, as tests/interop has them
 *     CHROMIUM             the browser (chromium)
 *     DOCS=1               pictures for docs/console.md
 *
 * A case gets a page that has never been anywhere and may fail by what it expects, by an error in the page's own console, and by
 * its time limit. What the real server was seen to do wrong at its end counts as well. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { cases } from './cases.js';

/** @param {string} name */
function find(name) {
	return (process.env.PATH ?? '').split(':').map((d) => join(d, name)).find(existsSync);
}

/** What the page itself has to complain about. @param {import('playwright-core').BrowserContext} context @param {string[]} wrong */
function listen(context, wrong) {
	context.on('weberror', (e) => wrong.push(`error in the page: ${e.error().message}`));
	context.on('console', (m) => {
		// A refusal that is expected, and a server that is away for a while, stand there as well; the browser writes those itself.
		if (m.type() === 'error' && !/Failed to load resource|WebSocket connection/.test(m.text()))
			wrong.push(`console: ${m.text()}`);
	});
}

/** @param {import('playwright-core').Browser} browser @param {import('./cases.js').Case} c @returns {Promise<string[]>} */
async function attempt(browser, c) {
	/** @type {string[]} */
	const wrong = [];
	/** @type {(() => Promise<unknown>)[]} */
	const ends = [];
	let timer;
	const limit = new Promise((_, reject) => {
		timer = setTimeout(() => reject(new Error(`not done in ${c.limit} s`)), c.limit * 1000);
	});
	/** @param {import('playwright-core').BrowserContextOptions} [options] */
	const page = async (options = {}) => {
		const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', acceptDownloads: true, ...options });
		context.setDefaultTimeout(15000);
		listen(context, wrong);
		ends.push(() => context.close());
		return context.newPage();
	};
	try {
		await Promise.race([c.run({ page, wrong, end: (f) => ends.push(f), note: (text) => console.log(`# ${text}`) }), limit]);
	} catch (e) {
		wrong.push(e instanceof Error ? e.stack ?? e.message : String(e));
	}
	clearTimeout(timer);
	for (const f of ends.reverse()) {
		const told = await f().catch((/** @type {Error} */ e) => [e.message]);
		if (Array.isArray(told))
			wrong.push(...told);
	}
	return wrong;
}

async function main() {
	const wanted = process.argv.slice(2).filter((a) => !a.startsWith('--'));
	const chosen = cases.filter((c) => !wanted.length || wanted.some((w) => c.name.startsWith(w)));
	if (process.argv.includes('--list')) {
		for (const c of chosen)
			console.log(`${c.name.padEnd(16)} ${c.what}`);
		return 0;
	}
	const executablePath = process.env.CHROMIUM ?? find('chromium') ?? find('chromium-browser') ?? find('google-chrome');
	if (!executablePath) {
		console.log('no chromium found; CHROMIUM names one');
		return 1;
	}
	const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required',
		'--disable-dev-shm-usage'] });
	const count = { passed: 0, failed: 0 };
	console.log(`1..${chosen.length}`);
	for (const [i, c] of chosen.entries()) {
		const began = Date.now();
		const wrong = await attempt(browser, c);
		wrong.length ? count.failed++ : count.passed++;
		console.log(`${wrong.length ? 'not ok' : 'ok'} ${i + 1} - ${c.name}: ${c.what} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
		for (const line of wrong.join('\n').split('\n').filter(Boolean))
			console.log(`#   ${line}`);
	}
	await browser.close();
	console.log(`${count.passed} passed, ${count.failed} failed, 0 skipped`);
	return count.failed ? 1 : 0;
}

process.exit(await main());
