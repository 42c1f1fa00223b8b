/* run.js - the console in a real browser, told in TAP.
 *
 *     node tests/browser/run.js [--list] [CASE...]        CASE: a name or the beginning of one
 *
 *     TUTTI, TUTTI_BUILD   the server and its folder, as tests/interop has them
 *     CHROMIUM             the browser (chromium)
 *     DOCS=1               pictures for docs/console.md
 *
 * A case gets a page that has never been anywhere and may fail by what it expects, by an error in the page's own console, and by
 * its time limit. What the real server was seen to do wrong at its end counts as well.
 *
 * Two lanes go on beside each other: pages by themselves, and pages with phones; what measures the page's pace comes after them, alone.
 *
 * A page and phones in real time need a processor in time. A case that failed while this program was woken too late says nothing: it
 * is tried again when all others are done, up to three times. One that met a late machine every time is skipped, and says so. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { stages } from './cases.js';

const AGAIN = 3, WAKE_MS = 20, LATE_MS = 40;

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

/** Was the machine so busy that a page or a phone must have been late? It sleeps as they do, and counts. */
class Watch {
	late = 0;
	at = performance.now();
	timer = setInterval(() => {
		const now = performance.now();
		this.late += now - this.at > WAKE_MS + LATE_MS ? 1 : 0;
		this.at = now;
	}, WAKE_MS);

	stop() {
		clearInterval(this.timer);
		return this.late;
	}
}

/** @param {import('playwright-core').Browser} browser @param {import('./cases.js').Case} c */
async function judged(browser, c) {
	const began = Date.now();
	const watch = new Watch();
	const wrong = await attempt(browser, c);
	const late = watch.stop();
	if (wrong.length && late)
		wrong.push(`(this machine was late ${late} times meanwhile)`);
	return { c, wrong, busy: Boolean(wrong.length && late), seconds: ((Date.now() - began) / 1000).toFixed(1) };
}

/** @typedef {Awaited<ReturnType<typeof judged>>} Outcome */

/** As they end. @param {import('playwright-core').Browser} browser @param {import('./cases.js').Case[][]} lanes */
async function *inTurn(browser, lanes) {
	const next = (/** @type {number} */ lane, /** @type {number} */ i) => judged(browser, lanes[lane][i]).then((outcome) => ({ lane, i, outcome }));
	const running = new Map(lanes.flatMap((cases, lane) => (cases.length ? [[lane, next(lane, 0)]] : [])));
	while (running.size) {
		const { lane, i, outcome } = await Promise.race(running.values());
		if (i + 1 < lanes[lane].length)
			running.set(lane, next(lane, i + 1));
		else
			running.delete(lane);
		yield outcome;
	}
}

/** @param {import('playwright-core').Browser} browser @param {import('./cases.js').Case[][][]} chosen */
async function *outcomes(browser, chosen) {
	/** @type {Outcome[]} */
	const unsaid = [];
	for (const lanes of chosen) {
		for await (const first of inTurn(browser, lanes)) {
			if (first.busy)
				unsaid.push(first);
			else
				yield { ...first, note: '', lines: first.wrong };
		}
	}
	for (const first of unsaid) {
		let last = first;
		for (let n = 0; n < AGAIN && last.busy; n++)
			last = await judged(browser, first.c);
		yield { ...last, note: last.busy ? ' # SKIP not judged: this machine was late in every try' :
			last.wrong.length ? '' : ' (flaky on a busy machine: passed when tried again)',
			lines: last.wrong.length ? last.wrong : first.wrong };
	}
}

async function main() {
	const wanted = process.argv.slice(2).filter((a) => !a.startsWith('--'));
	const chosen = stages.map((lanes) => lanes.map((cases) => cases.filter((c) => !wanted.length || wanted.some((w) => c.name.startsWith(w)))));
	const flat = chosen.flat(2);
	if (process.argv.includes('--list')) {
		for (const c of flat)
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
	const count = { passed: 0, failed: 0, skipped: 0 };
	console.log(`1..${flat.length}`);
	let i = 0;
	for await (const { c, wrong, busy, seconds, note, lines } of outcomes(browser, chosen)) {
		const bad = wrong.length > 0 && !busy;
		count[bad ? 'failed' : busy ? 'skipped' : 'passed']++;
		console.log(`${bad ? 'not ok' : 'ok'} ${++i} - ${c.name}: ${c.what} (${seconds} s)${note}`);
		for (const line of lines.join('\n').split('\n').filter(Boolean))
			console.log(`#   ${line}`);
	}
	await browser.close();
	console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
	return count.failed ? 1 : 0;
}

process.exit(await main());
