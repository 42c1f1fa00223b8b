/* kit.js - what the cases have in common: getting in, waiting, measuring, and asking axe. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Fake, furnish, TOKEN } from './fake.js';
import { HERE, Stage } from './stage.js';

/**
 * @typedef {import('playwright-core').Page} Page
 * @typedef {object} Ctx
 * @property {(options?: import('playwright-core').BrowserContextOptions) => Promise<Page>} page
 * @property {string[]} wrong
 * @property {(f: () => Promise<unknown>) => void} end
 * @property {(text: string) => void} note
 */

/** @param {boolean} good @param {string} what */
export function expect(good, what) {
	if (!good)
		throw new Error(what);
}

/** Until it is so. @param {() => Promise<unknown> | unknown} is @param {string} what @param {number} [ms] */
export async function until(is, what, ms = 15000) {
	const end = Date.now() + ms;
	while (!await is()) {
		if (Date.now() > end)
			throw new Error(`not in ${ms} ms: ${what}`);
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
}

/** A server without sound, furnished. @param {Ctx} c @returns {Promise<{ fake: Fake, url: string }>} */
export async function openFake(c) {
	const fake = new Fake();
	furnish(fake);
	c.end(() => fake.kill());
	return { fake, url: await fake.listen() };
}

/** A real one. @param {Ctx} c @param {Record<string, string>} [options] @returns {Promise<Stage>} */
export async function openStage(c, options = {}) {
	const stage = await Stage.open(options);
	c.end(() => stage.close());
	return stage;
}

/** @param {Page} page @param {string} url @param {string} [token] @param {string} [hash] */
export async function signIn(page, url, token = TOKEN, hash = '') {
	await page.goto(`${url}/${hash}`);
	await page.getByLabel('Token').fill(token);
	await page.getByRole('button', { name: 'Sign in' }).click();
	await page.getByText('Live', { exact: true }).waitFor();
}

/** @param {Page} page @param {string} hash @param {string} heading */
export async function visit(page, hash, heading) {
	await page.evaluate((h) => {
		location.hash = h;
	}, hash);
	await page.getByRole('heading', { name: heading, level: 1 }).waitFor();
}

/** @param {Page} page @param {string} name */
export function row(page, name) {
	return page.locator('li.member').filter({ has: page.locator('.name', { hasText: new RegExp(`^${name.replace(/[+.]/g, '\\$&')}$`) }) });
}

/** How high a member's meter stands, per cent. @param {Page} page @param {string} name */
export function meter(page, name) {
	return row(page, name).locator('.meter-cover').evaluate((el) =>
		Number(/translateX\(([\d.]+)%\)/.exec(/** @type {HTMLElement} */ (el).style.transform)?.[1] ?? 0));
}

const axe = readFileSync(join(HERE, 'node_modules/axe-core/axe.min.js'), 'utf8');

/** What axe finds serious or worse. @param {Page} page @param {string} where @returns {Promise<string[]>} */
export async function findings(page, where) {
	await page.evaluate(axe);
	const { violations } = await page.evaluate(() => /** @type {any} */ (window).axe.run(document, { resultTypes: ['violations'] }));
	return violations.filter((/** @type {any} */ v) => ['serious', 'critical'].includes(v.impact)).map((/** @type {any} */ v) =>
		`${where}: ${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((/** @type {any} */ n) => `${n.target.join(' ')} ${n.any[0]?.message ?? ''}`).join(' | ')}`);
}

/** Presses Tab until what has the focus is called so. @param {Page} page @param {RegExp} name @param {number} [most] @param {string} [key] */
export async function tabTo(page, name, most = 60, key = 'Tab') {
	for (let i = 0; i < most; i++) {
		await page.keyboard.press(key);
		const called = await page.evaluate(() => {
			const el = document.activeElement;
			const label = /** @type {HTMLInputElement} */ (el)?.labels?.[0]?.textContent;
			return el ? el.getAttribute('aria-label') ?? label ?? el.textContent ?? '' : '';
		});
		if (name.test(called.trim()))
			return;
	}
	throw new Error(`the Tab key does not come to ${name}`);
}
