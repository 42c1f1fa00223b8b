/* cases-play.js - the page before the real server, with phones that sound: what is done on the page is heard in a phone. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, meter, openStage, row, signIn, tabTo, until, visit } from './kit.js';

/** @typedef {import('./cases.js').Case} Case */

/** Far enough apart, as in tests/interop/sound.py. */
const ANN_HZ = 601.3;
const BEN_HZ = 859.7;
/** How long a pace is measured. */
const SECONDS = 5;

/**
 * Ann and Ben in a room, and a page that watches them.
 * @param {import('./kit.js').Ctx} c
 * @param {{ room?: string, options?: Record<string, string>, settings?: Record<string, string>, hash?: string }} [more]
 */
async function duet(c, { room = 'team', options = {}, settings = {}, hash = '' } = {}) {
	const stage = await openStage(c, options);
	if (Object.keys(settings).length)
		await stage.api('PUT', `rooms/${room}`, { settings });
	const page = await c.page();
	await signIn(page, stage.http, stage.token, hash || `#/rooms/${room}`);
	await stage.call('ann', room, ANN_HZ);
	await stage.call('ben', room, BEN_HZ);
	if (!hash) {
		await row(page, 'ann').waitFor();
		await row(page, 'ben').waitFor();
	}
	return { stage, page };
}

/** @param {number} got @param {number} wanted @param {string} what @param {number} [tolerance] */
function near(got, wanted, what, tolerance = 1.5) {
	expect(Math.abs(got - wanted) <= tolerance, `${what}: ${got.toFixed(1)} dB, not ${wanted}`);
}

/** @param {import('./kit.js').Page} page @param {string} button @param {string} verb */
async function confirm(page, button, verb) {
	await page.getByRole('button', { name: button, exact: true }).click();
	await page.getByRole('dialog').last().getByRole('button', { name: verb, exact: true }).click();
}

/** @type {Case[]} */
export const plays = [
	{
		name: 'arrive', what: 'a room made on the page, two phones that arrive in it, and its end', limit: 120,
		async run(c) {
			const stage = await openStage(c);
			const page = await c.page();
			await signIn(page, stage.http, stage.token);
			await page.getByText('There is no room yet').waitFor();
			await page.getByRole('button', { name: 'New room' }).click();
			await page.getByLabel('Name', { exact: true }).fill('team');
			await page.getByText('Settings', { exact: true }).click();
			await page.getByLabel('Title', { exact: true }).fill('Monday call');
			await page.getByRole('button', { name: 'Create' }).click();
			await page.getByRole('heading', { name: 'Monday call', level: 1 }).waitFor();
			await page.getByText('Nobody is here yet').waitFor();
			await stage.call('ann', 'team', ANN_HZ);
			await row(page, 'ann').waitFor();
			await stage.call('ben', 'team', BEN_HZ);
			await row(page, 'ben').waitFor();
			await page.getByText('2 members').waitFor();
			await until(async () => await meter(page, 'ann') > 30 && await meter(page, 'ben') > 30, 'both meters move');
			await row(page, 'ann').locator('.codec', { hasText: 'PCMU' }).waitFor();
			await row(page, 'ann').locator('.delay', { hasText: / ms/ }).waitFor();
			await page.locator('.log-lines', { hasText: 'ben came in' }).waitFor();
			await stage.ask('bye', { name: 'ben' });
			await row(page, 'ben').waitFor({ state: 'detached' });
			await confirm(page, 'End for all', 'End for all');
			expect((await stage.ask('ended', { name: 'ann' })).ended, 'ann was not sent away');
			await page.getByText(/Nobody is here yet|There is no such room now/).waitFor();
			await page.getByRole('link', { name: 'Calls' }).click();
			await page.getByRole('cell', { name: /^ann/ }).waitFor();
			const [csv] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'CSV' }).click()]);
			expect(csv.suggestedFilename() === 'calls.csv', `the CSV is called ${csv.suggestedFilename()}`);
		},
	},
	{
		name: 'gain', what: 'a fader moved on the page is heard in the other phone', limit: 120,
		async run(c) {
			const { stage, page } = await duet(c);
			await page.waitForTimeout(1500);
			near(await stage.level('ben', ANN_HZ), 0, 'before');
			await page.getByRole('slider', { name: 'Gain of ann' }).fill('-12');
			await page.waitForTimeout(500);
			near(await stage.level('ben', ANN_HZ), -12, 'ann at -12 dB in ben');
			near(await stage.level('ann', BEN_HZ), 0, 'ben in ann');
		},
	},
	{
		name: 'mute', what: 'mute, mute all, and their ends are heard', limit: 120,
		async run(c) {
			const { stage, page } = await duet(c);
			await row(page, 'ann').getByRole('button', { name: 'Mute ann' }).click();
			await page.locator('[aria-pressed="true"][aria-label="Mute ann"]').waitFor();
			await page.waitForTimeout(500);
			expect(await stage.level('ben', ANN_HZ, 1) < -50, 'ann is heard while muted');
			await row(page, 'ann').getByText('muted by host').waitFor();
			await row(page, 'ann').getByRole('button', { name: 'Mute ann' }).click();
			await page.locator('[aria-pressed="false"][aria-label="Mute ann"]').waitFor();
			await page.waitForTimeout(500);
			near(await stage.level('ben', ANN_HZ), 0, 'ann again');
			await page.getByRole('button', { name: 'Mute all' }).click();
			await page.locator('[aria-pressed="true"][aria-label="Mute ben"]').waitFor();
			await page.waitForTimeout(500);
			expect(await stage.level('ann', BEN_HZ, 1) < -50, 'ben is heard while all are muted');
		},
	},
	{
		name: 'kick', what: 'who is sent away is gone, who is banned does not come back', limit: 120,
		async run(c) {
			const { stage, page } = await duet(c);
			await row(page, 'ann').getByRole('button', { name: 'More about ann' }).click();
			await confirm(page, 'Send away …', 'Send away');
			expect((await stage.ask('ended', { name: 'ann' })).ended, 'ann was not sent away');
			await row(page, 'ann').waitFor({ state: 'detached' });
			await page.locator('.log-lines', { hasText: 'ann was sent away' }).waitFor();
			await row(page, 'ben').getByRole('button', { name: 'More about ben' }).click();
			await confirm(page, 'Ban …', 'Ban');
			expect((await stage.ask('ended', { name: 'ben' })).ended, 'ben was not sent away');
		},
	},
	{
		name: 'waiting', what: 'who waits in the lobby is shown, admitted by a click, refused by another', limit: 120,
		async run(c) {
			const { stage, page } = await duet(c, { settings: { lobby: 'on' }, hash: '#/rooms/team' });
			await page.getByRole('heading', { name: '2 wait outside' }).waitFor();
			await page.getByRole('button', { name: 'Admit ann' }).click();
			await row(page, 'ann').waitFor();
			await page.getByRole('button', { name: 'Refuse ben' }).click();
			expect((await stage.ask('ended', { name: 'ben' })).ended, 'ben was not refused');
			await page.getByRole('heading', { name: /outside/ }).waitFor({ state: 'hidden' });
			expect(await row(page, 'ben').count() === 0, 'ben is in');
		},
	},
	{
		name: 'mixes', what: 'a cell of the matrix is heard by its listener and by nobody else', limit: 120,
		async run(c) {
			const { stage, page } = await duet(c, { room: 'music-trio' });
			await stage.call('eve', 'music-trio', 1877.9);
			await row(page, 'eve').waitFor();
			await page.getByRole('link', { name: 'Monitor mixes' }).click();
			await page.getByRole('gridcell', { name: 'ben hears ann: 0 dB' }).click();
			await page.getByRole('slider', { name: 'Gain of ann for ben' }).fill('-60');
			await page.waitForTimeout(800);
			expect(await stage.level('ben', ANN_HZ, 1) < -40, 'ben still hears ann');
			near(await stage.level('eve', ANN_HZ), 0, 'ann in eve');
			await page.getByRole('gridcell', { name: 'ben hears ann: off' }).waitFor();
			await page.getByRole('button', { name: 'Same as for all', exact: true }).click();
			await page.waitForTimeout(800);
			near(await stage.level('ben', ANN_HZ), 0, 'ann in ben again');
		},
	},
	{
		name: 'record', what: 'recorded, stopped, played back in the page, deleted', limit: 180,
		async run(c) {
			const { stage, page } = await duet(c);
			await page.getByRole('button', { name: 'Record', exact: true }).click();
			await page.locator('.tags', { hasText: 'recording' }).first().waitFor();
			await page.waitForTimeout(3000);
			await page.getByRole('button', { name: 'Pause recording' }).click();
			await page.locator('.tags', { hasText: 'recording pauses' }).first().waitFor();
			await page.getByRole('button', { name: 'Resume recording' }).click();
			await page.getByRole('button', { name: 'Pause recording' }).waitFor();
			await page.getByRole('button', { name: 'Stop', exact: true }).click();
			await page.getByRole('button', { name: 'Record', exact: true }).waitFor();
			await visit(page, '#/recordings', 'Recordings');
			const audio = page.locator('audio');
			await audio.waitFor();
			const played = await audio.evaluate(async (el) => {
				const player = /** @type {HTMLAudioElement} */ (el);
				await player.play();
				await new Promise((resolve) => setTimeout(resolve, 1500));
				return { at: player.currentTime, length: player.duration, error: player.error?.message };
			});
			expect(played.at > 0.5 && played.length > 2.5, `played ${JSON.stringify(played)}`);
			await page.getByRole('button', { name: /^Delete the recording of team/ }).click();
			await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
			await page.getByText('There are no recordings yet.').waitFor();
			const folder = join(stage.state, 'recordings');
			expect(!existsSync(folder) || readdirSync(folder).length === 0, 'its files stay');
		},
	},
	{
		name: 'killed', what: 'the server is killed and started again: a banner, then the truth', limit: 120,
		async run(c) {
			const { stage, page } = await duet(c);
			await stage.ask('kill');
			await page.getByRole('alert').filter({ hasText: 'connection to the server is lost' }).waitFor();
			await page.waitForTimeout(500);
			await stage.ask('start');
			// A session does not outlive the server; whoever was signed in signs in again and is where it was.
			await until(async () => await page.getByLabel('Token').isVisible() || await page.getByText('Live', { exact: true }).isVisible(),
				'the page comes back by itself', 15000);
			if (await page.getByLabel('Token').isVisible()) {
				await page.getByLabel('Token').fill(stage.token);
				await page.keyboard.press('Enter');
			}
			await page.getByText('Live', { exact: true }).waitFor();
			expect(await row(page, 'ann').count() === 0, 'who went with the server is still shown');
			await stage.call('cleo', 'team', ANN_HZ);
			await row(page, 'cleo').waitFor();
		},
	},
	{
		name: 'reader', what: 'a token that may only read gets a page without what it may not do', limit: 120,
		async run(c) {
			const stage = await openStage(c);
			await stage.call('ann', 'team', ANN_HZ);
			const { token } = await stage.api('POST', 'tokens', { name: 'eyes', scopes: 'read' });
			const page = await c.page();
			await signIn(page, stage.http, token, '#/rooms/team');
			await row(page, 'ann').waitFor();
			expect(await page.getByRole('button', { name: 'Mute ann' }).isDisabled(), 'mute can be pressed');
			expect(await page.getByRole('slider', { name: 'Gain of ann' }).isDisabled(), 'the fader can be moved');
			expect(await page.getByRole('group', { name: 'Room' }).count() === 0, 'the room can be ended');
		},
	},
	{
		name: 'one-room', what: 'a token of one room leads into it, and what it does in no other', limit: 120,
		async run(c) {
			const stage = await openStage(c);
			await stage.call('ann', 'team', ANN_HZ);
			await stage.call('ben', 'other', BEN_HZ);
			const { token } = await stage.api('POST', 'tokens', { name: 'host of team', scopes: 'control', room: 'team' });
			const page = await c.page();
			await signIn(page, stage.http, token);
			await page.getByRole('heading', { name: 'team', level: 1 }).waitFor();
			await row(page, 'ann').getByRole('button', { name: 'Mute ann' }).click();
			await page.locator('[aria-pressed="true"][aria-label="Mute ann"]').waitFor();
			await page.getByRole('link', { name: 'Rooms', exact: true }).first().click();
			await page.getByRole('link', { name: /^team/ }).waitFor();
			expect(await page.getByRole('link', { name: /^other/ }).count() === 0, 'the other room is shown');
			expect(await page.getByRole('button', { name: 'New room' }).count() === 0, 'rooms can be made');
		},
	},
	{
		name: 'groups', what: 'sent to a group and called back; what the server refuses is said in the dialog', limit: 120,
		async run(c) {
			const { stage, page } = await duet(c);
			await row(page, 'ben').getByRole('button', { name: 'More about ben' }).click();
			await page.getByRole('button', { name: 'Breakout …' }).click();
			await page.getByLabel('Name of the group').fill('corner');
			await page.getByRole('button', { name: 'Send', exact: true }).click();
			await row(page, 'ben').waitFor({ state: 'detached' });
			expect((await stage.api('GET', 'rooms/team.corner')).members.length === 1, 'ben is not in the group');
			await page.getByRole('button', { name: 'Recall groups' }).click();
			await row(page, 'ben').waitFor();
			await page.getByRole('button', { name: 'Recall groups' }).waitFor({ state: 'hidden' });
			await page.getByRole('button', { name: 'Call out' }).click();
			await page.getByLabel('Number or address').fill('sip:zoe@127.0.0.9');
			await page.getByRole('button', { name: 'Call', exact: true }).click();
			await page.getByRole('dialog').getByRole('alert').filter({ hasText: /./ }).waitFor();
			await page.keyboard.press('Escape');
			await page.getByRole('button', { name: 'Lock' }).click();
			await page.locator('.tags', { hasText: 'locked' }).first().waitFor();
			await page.getByRole('button', { name: 'Lock' }).click();
			await page.locator('.log-lines', { hasText: 'The room is open' }).waitFor();
		},
	},
	{
		name: 'keys-only', what: 'from the login to a muted phone without a mouse', limit: 120,
		async run(c) {
			const stage = await openStage(c);
			await stage.call('ann', 'team', ANN_HZ);
			await stage.call('ben', 'team', BEN_HZ);
			const page = await c.page();
			await page.goto(stage.http);
			await page.getByLabel('Token').waitFor();
			await page.keyboard.type(stage.token);
			await page.keyboard.press('Enter');
			await page.getByText('Live', { exact: true }).waitFor();
			await tabTo(page, /^team/, 10);
			await page.keyboard.press('Enter');
			await row(page, 'ann').waitFor();
			await tabTo(page, /^Mute ann$/);
			await page.keyboard.press('Space');
			await page.locator('[aria-pressed="true"][aria-label="Mute ann"]').waitFor();
			await page.waitForTimeout(500);
			expect(await stage.level('ben', ANN_HZ, 1) < -50, 'ann is heard while muted');
		},
	},
	{
		name: 'fifty', what: 'fifty members, twenty levels a second: the page keeps its pace and the server hardly notices', limit: 180, alone: true,
		async run(c) {
			const stage = await openStage(c);
			await stage.ask('crowd', { calls: 50, seconds: 60, room: 'big' });
			const page = await c.page({ viewport: { width: 1400, height: 1000 } });
			let levels = 0;
			page.on('websocket', (ws) => ws.on('framereceived', (f) => {
				levels += f.payload.includes('"levels"') ? 1 : 0;
			}));
			await until(async () => (await stage.api('GET', 'rooms')).rooms.some((/** @type {any} */ r) => r.members === 50), 'fifty are in', 20000);
			const before = await stage.ask('cpu');
			await page.waitForTimeout(1000 * SECONDS);
			const idle = await stage.ask('cpu');
			await signIn(page, stage.http, stage.token, '#/rooms/big-0');
			await page.getByText('50 members').waitFor();
			await page.waitForTimeout(1000);
			const cdp = await page.context().newCDPSession(page);
			await cdp.send('Performance.enable', { timeDomain: 'threadTicks' });
			const figures = async () => Object.fromEntries((await cdp.send('Performance.getMetrics')).metrics.map((m) => [m.name, m.value]));
			const [from, was, count] = [await stage.ask('cpu'), await figures(), levels];
			const frames = await page.evaluate(measureFrames, SECONDS);
			const [to, is] = [await stage.ask('cpu'), await figures()];
			const each = (/** @type {string} */ name) => (1000 * (is[name] - was[name])) / frames.n;
			const rate = (levels - count) / SECONDS;
			const layouts = is.LayoutCount - was.LayoutCount;
			const percent = (/** @type {any} */ x, /** @type {any} */ y, /** @type {number} */ s, /** @type {string} */ k) => ((100 * (y[k] - x[k])) / s).toFixed(1);
			c.note(`${frames.n} frames, ms: median ${frames.median.toFixed(1)}, p95 ${frames.p95.toFixed(1)}, longest ${frames.longest.toFixed(1)}`);
			c.note(`of a frame, ms of processor: all ${each('TaskDuration').toFixed(2)}, script ${each('ScriptDuration').toFixed(2)}, style ${
				each('RecalcStyleDuration').toFixed(2)}, layout ${each('LayoutDuration').toFixed(2)}; ${layouts} layouts; ${rate.toFixed(1)} levels a second`);
			c.note(`server, % of a processor: ${percent(before, idle, SECONDS, 'all')} unwatched, ${percent(from, to, SECONDS, 'all')} watched, of it web ${
				percent(from, to, SECONDS, 'web')}`);
			expect(rate > 15, `levels come ${rate.toFixed(1)} times a second`);
			expect(each('TaskDuration') < 8, `a frame is ${each('TaskDuration').toFixed(1)} ms of work`);
			expect(layouts < SECONDS * 10, `${layouts} layouts in ${SECONDS} s: meters should need none`);
			await stage.ask('crowd_ends');
		},
	},
];

/** In the page: how long frames are. @param {number} seconds */
async function measureFrames(seconds) {
	const frames = /** @type {number[]} */ ([]);
	let last = performance.now();
	const end = last + 1000 * seconds;
	await new Promise((resolve) => {
		const step = (/** @type {number} */ t) => {
			frames.push(t - last);
			last = t;
			if (t < end)
				requestAnimationFrame(step);
			else
				resolve(undefined);
		};
		requestAnimationFrame(step);
	});
	frames.sort((a, b) => a - b);
	const at = (/** @type {number} */ part) => frames[Math.min(frames.length - 1, Math.floor(frames.length * part))];
	return { n: frames.length, median: at(0.5), p95: at(0.95), longest: at(1) };
}
