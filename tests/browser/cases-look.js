/* cases-look.js - the page by itself: what it draws, says and keeps, whatever the server tells it. */
import { expect, findings, meter, openFake, row, signIn, tabTo, until, visit } from './kit.js';
import { TOKEN } from './fake.js';

/** @typedef {import('./cases.js').Case} Case */

/** A page that believes to be hidden and so does not look at the room every two seconds: only events tell it. @param {import('./kit.js').Ctx} c */
async function onlyEvents(c) {
	const page = await c.page();
	await page.addInitScript(() => Object.defineProperty(document, 'hidden', { get: () => true }));
	return page;
}

/** Every view with something in it: address, heading, and what to open there. @type {[string, string, string, string?][]} */
const VIEWS = [
	['rooms', '#/rooms', 'Rooms'], ['rooms-new', '#/rooms', 'Rooms', 'New room'], ['room', '#/rooms/team', 'Monday call'],
	['member', '#/rooms/team', 'Monday call', 'More about Ben Bright'], ['mixes', '#/rooms/music-band/mixes', 'music-band'],
	['delays', '#/rooms/music-band/delays', 'music-band'],
	['settings', '#/rooms/team/settings', 'Monday call'], ['room-recordings', '#/rooms/team/recordings', 'Monday call'],
	['events', '#/rooms/team/log', 'Monday call'], ['recordings', '#/recordings', 'Recordings'], ['calls', '#/calls', 'Calls'],
	['gone', '#/rooms/nowhere', 'nowhere'],
];

/** Walks through all of them. @param {import('./kit.js').Page} page @param {(view: string) => Promise<void>} see */
async function tour(page, see) {
	for (const [view, hash, heading, button] of VIEWS) {
		await visit(page, hash, heading);
		if (hash.endsWith('settings'))
			await page.getByRole('button', { name: 'Save' }).waitFor();
		if (hash.endsWith('mixes') || hash.endsWith('delays'))
			await page.getByRole('gridcell').first().waitFor();
		if (button)
			await page.getByRole('button', { name: button, exact: true }).click();
		await page.waitForTimeout(200);
		await see(view);
		if (button)
			await page.keyboard.press('Escape');
	}
}

/** @param {'light' | 'dark'} theme @param {number} width @returns {Case} */
function axeCase(theme, width) {
	return {
		name: `axe-${theme}-${width}`, what: `no view has a serious finding, ${theme}, ${width} pixels wide, and none is wider`, limit: 240,
		async run(c) {
			const { url } = await openFake(c);
			const page = await c.page({ colorScheme: theme, viewport: { width, height: 800 } });
			await page.goto(url);
			await page.getByLabel('Token').waitFor();
			c.wrong.push(...await findings(page, 'login'));
			await signIn(page, url);
			await tour(page, async (view) => {
				c.wrong.push(...await findings(page, view));
				const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
				if (over > 0)
					c.wrong.push(`${view}: ${over} pixels wider than the window`);
			});
		},
	};
}

/** @type {Case[]} */
export const looks = [
	axeCase('light', 1280), axeCase('dark', 1280), axeCase('light', 360), axeCase('dark', 360),
	{
		name: 'login', what: 'a wrong token is told, a right one stays over a reload, signing out ends it', limit: 90,
		async run(c) {
			const { url } = await openFake(c);
			const page = await c.page();
			await page.goto(url);
			await page.getByLabel('Token').fill('wrong');
			await page.keyboard.press('Enter');
			await page.getByRole('alert').filter({ hasText: 'does not know this token' }).waitFor();
			await signIn(page, url);
			await page.reload();
			await page.getByRole('heading', { name: 'Rooms' }).waitFor();
			expect(!(await page.evaluate(() => document.cookie)).includes('tutti'), 'a script can read the cookie');
			await page.getByRole('button', { name: 'Sign out' }).click();
			await page.getByLabel('Token').waitFor();
			await page.reload();
			await page.getByLabel('Token').waitFor();
		},
	},
	{
		name: 'theme', what: 'the switch goes through system, light and dark, and a reload keeps it', limit: 90,
		async run(c) {
			const { url } = await openFake(c);
			const page = await c.page({ colorScheme: 'dark' });
			await signIn(page, url);
			const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
			const dark = await ground();
			await page.getByRole('button', { name: 'Colours: as the system' }).click();
			const light = await ground();
			expect(light !== dark, 'light is as dark');
			await page.reload();
			await page.getByRole('button', { name: 'Colours: light' }).waitFor();
			expect(await ground() === light, 'a reload forgets the theme');
			await page.getByRole('button', { name: 'Colours: light' }).click();
			expect(await ground() === dark, 'dark is not the dark of the system');
		},
	},
	{
		name: 'names', what: 'a name that looks like markup stays a name, and markup does not run', limit: 90,
		async run(c) {
			const { fake, url } = await openFake(c);
			const page = await c.page();
			await signIn(page, url, TOKEN, '#/rooms/team');
			const evil = '<img src=x onerror="document.title=1"><script>1</script>';
			const room = fake.rooms.get('team');
			fake.member(room, evil);
			await until(() => page.getByText(evil, { exact: true }).first().isVisible(), 'the name as it is');
			expect(await page.locator('main img, main script').count() === 0, 'the name became an element');
		},
	},
	{
		name: 'events', what: 'who comes, leaves, raises a hand is shown at once, logged and read out', limit: 90,
		async run(c) {
			const { fake, url } = await openFake(c);
			const page = await onlyEvents(c);
			await signIn(page, url, TOKEN, '#/rooms/team');
			const room = fake.rooms.get('team');
			await row(page, 'Ann Archer').waitFor();
			const zoe = fake.member(room, 'Zoe');
			await row(page, 'Zoe').waitFor();
			await page.locator('#spoken', { hasText: 'Zoe came in' }).waitFor();
			fake.change(room, zoe, { hand: true });
			await page.getByText('2 hands up').waitFor();
			await page.locator('#spoken', { hasText: 'Zoe raised a hand' }).waitFor();
			fake.leave(room, zoe, 'kicked');
			await row(page, 'Zoe').waitFor({ state: 'detached' });
			await page.locator('.log-lines', { hasText: 'Zoe was sent away' }).waitFor();
			expect(await page.locator('#spoken').getAttribute('aria-live') === 'polite', 'what is read out interrupts');
		},
	},
	{
		name: 'gap', what: 'an event that never came is noticed by the version, and made good', limit: 90,
		async run(c) {
			const { fake, url } = await openFake(c);
			const page = await onlyEvents(c);
			await signIn(page, url, TOKEN, '#/rooms/team');
			await row(page, 'Ann Archer').waitFor();
			const room = fake.rooms.get('team');
			// Not told: as if it had been dropped on the way.
			room.members.find((/** @type {any} */ m) => m.name === 'Finn Falk').muted = true;
			room.version++;
			fake.change(room, room.members[0], { hand: true });
			await until(async () => await row(page, 'Finn Falk').getByRole('button', { name: 'Mute' }).getAttribute('aria-pressed') === 'true',
				'the change that was not told');
		},
	},
	{
		name: 'lost', what: 'the banner comes when the server dies, goes when it is back, and what changed meanwhile is there', limit: 90,
		async run(c) {
			const { fake, url } = await openFake(c);
			const page = await c.page();
			await signIn(page, url, TOKEN, '#/rooms/team');
			await row(page, 'Ben Bright').waitFor();
			const room = fake.rooms.get('team');
			await fake.kill();
			await page.getByRole('alert').filter({ hasText: 'connection to the server is lost' }).waitFor();
			await page.getByText('Offline').waitFor();
			await until(() => meter(page, 'Ann Archer').then((at) => at === 0), 'meters without news fall');
			fake.leave(room, room.members.find((/** @type {any} */ m) => m.name === 'Ben Bright'));
			fake.member(room, 'Yann');
			fake.oldest = fake.number;
			await page.waitForTimeout(1500);
			await fake.listen();
			await page.getByRole('button', { name: 'Try now' }).click();
			await page.getByText('Live', { exact: true }).waitFor();
			await row(page, 'Yann').waitFor();
			await row(page, 'Ben Bright').waitFor({ state: 'detached' });
			expect(await page.locator('#banner').isHidden(), 'the banner stays');
			await until(() => meter(page, 'Ann Archer').then((at) => at > 0), 'meters move again');
		},
	},
	{
		name: 'signed-out', what: 'a session that ends while the page is open leads to the login, and back to the same room', limit: 90,
		async run(c) {
			const { url } = await openFake(c);
			const page = await c.page();
			await signIn(page, url, TOKEN, '#/rooms/team');
			await page.context().clearCookies();
			await page.getByLabel('Token').waitFor();
			await page.getByLabel('Token').fill(TOKEN);
			await page.keyboard.press('Enter');
			await row(page, 'Ann Archer').waitFor();
		},
	},
	{
		name: 'conflict', what: 'settings that somebody else changed meanwhile are not overwritten; members who come are no conflict', limit: 90,
		async run(c) {
			const { fake, url } = await openFake(c);
			const page = await c.page();
			await signIn(page, url, TOKEN, '#/rooms/team/settings');
			const room = fake.rooms.get('team');
			await page.getByLabel('Title').fill('Tuesday call');
			fake.member(room, 'Zoe');
			await page.getByRole('button', { name: 'Save' }).click();
			await page.getByText('Saved.').waitFor();
			expect(room.settings.title === 'Tuesday call', 'not saved');
			await page.getByLabel('Title').fill('Wednesday call');
			room.settings.lobby = 'on';
			room.version++;
			await page.getByRole('button', { name: 'Save' }).click();
			await page.getByRole('alert').filter({ hasText: 'Somebody else' }).waitFor();
			expect(room.settings.title === 'Tuesday call', 'overwritten');
		},
	},
	{
		name: 'fader', what: 'a fader goes by mouse and keys, sends the last value and not each, and yields to the server', limit: 90,
		async run(c) {
			const { fake, url } = await openFake(c);
			const page = await c.page();
			await signIn(page, url, TOKEN, '#/rooms/team');
			const room = fake.rooms.get('team');
			const ann = room.members[0];
			const fader = page.getByRole('slider', { name: 'Gain of Ann Archer' });
			await fader.focus();
			await page.keyboard.press('ArrowLeft');
			await page.keyboard.press('PageDown');
			await until(() => ann.gain_db === -7, 'one step and one leap');
			expect(await fader.getAttribute('aria-valuetext') === '−7 dB', 'the value is not said');
			await page.keyboard.press('Delete');
			await until(() => ann.gain_db === 0, 'reset');
			fake.latency_ms = 100;
			fake.asked.length = 0;
			const box = await fader.boundingBox();
			expect(!!box, 'no fader');
			const { x, y, width, height } = /** @type {{ x: number, y: number, width: number, height: number }} */ (box);
			await page.mouse.move(x + width * 0.74, y + height / 2);
			await page.mouse.down();
			for (let i = 0; i <= 40; i++)
				await page.mouse.move(x + width * (0.74 - 0.01 * i), y + height / 2);
			await page.mouse.up();
			const value = Number(await fader.inputValue());
			await until(() => ann.gain_db === value, 'the last value arrives');
			expect(value < -20, `moved to ${value}`);
			const sent = fake.asked.filter((a) => a.path.endsWith('/gain')).length;
			expect(sent < 30, `${sent} questions for one movement`);
			fake.latency_ms = 0;
			await page.waitForTimeout(700);
			fake.change(room, ann, { gain_db: 3 });
			await until(async () => await fader.inputValue() === '3', 'somebody else moved it');
		},
	},
	{
		name: 'matrix', what: 'cells by keys and sliders, one stop of the Tab key, names that are said', limit: 90,
		async run(c) {
			const { fake, url } = await openFake(c);
			const page = await c.page();
			await signIn(page, url, TOKEN, '#/rooms/music-band/mixes');
			const room = fake.rooms.get('music-band');
			const [a, b, d] = room.members;
			await page.getByRole('gridcell', { name: `${a.name} hears ${b.name}: −6 dB, 50 % left` }).click();
			await page.keyboard.press('+');
			await until(() => room.views.get(`${a.id} ${b.id}`)?.[0] === -5, 'plus');
			await page.keyboard.press('>');
			await until(() => room.views.get(`${a.id} ${b.id}`)?.[1] === -0.4, 'to the right');
			await page.keyboard.press('Delete');
			await until(() => !room.views.has(`${a.id} ${b.id}`), 'the same as for all');
			await page.keyboard.press('ArrowRight');
			await page.getByRole('heading', { name: `${a.name} hears ${d.name}` }).waitFor();
			await page.keyboard.press('ArrowDown');
			await page.keyboard.press('ArrowLeft');
			await page.getByRole('heading', { name: `${b.name} hears ${a.name}` }).waitFor();
			await page.getByRole('slider', { name: `Gain of ${a.name} for ${b.name}` }).fill('-60');
			await until(() => room.views.get(`${b.id} ${a.id}`)?.[0] === -60, 'silent');
			expect(await page.locator('.matrix [tabindex="0"]').count() === 1, 'more than one stop');
		},
	},
	{
		name: 'delays', what: 'who hears whom how late, with its parts; what is over the bound is marked, told and read', limit: 90,
		async run(c) {
			const { fake, url } = await openFake(c);
			const page = await c.page();
			await signIn(page, url, TOKEN, '#/rooms/music-band/delays');
			const room = fake.rooms.get('music-band');
			const [a, b, d] = room.members;
			const phone = room.members.at(-1);
			const cell = page.getByRole('gridcell', { name: `${a.name} hears ${b.name} after 13.2 ms` });
			await cell.click();
			expect((await cell.getAttribute('title') ?? '').includes('server’s buffer: 1.4 ms'), 'no parts');
			await page.getByRole('heading', { name: `${a.name} hears ${b.name} after 13.2 ms` }).waitFor();
			expect(await page.locator('.delay-parts dd').first().textContent() === '2.7 ms', 'capture');
			await page.keyboard.press('ArrowRight');
			await page.getByRole('heading', { name: `${a.name} hears ${d.name} after 14.7 ms` }).waitFor();
			const late = page.getByRole('gridcell', { name: `${a.name} hears ${phone.name} after at least 57.8 ms, over the bound` });
			expect((await late.textContent() ?? '') === '57.8+!' && await late.getAttribute('data-delay') === 'over', 'not marked');
			await page.getByText('10 delays over 25 ms').waitFor();
			expect(await page.locator('.matrix [tabindex="0"]').count() === 1, 'more than one stop');
			// It is told as it happens, on every page of the room.
			await page.getByRole('link', { name: 'Members' }).click();
			const delay = { from: a.id, to: b.id, ms: 31.5, bound_ms: 25, over: true };
			fake.tell(room, 'delay', 'over', null, { delay });
			await page.getByText(`${b.name} hears ${a.name} late: 31.5 ms, over 25`).waitFor();
			await page.getByText('11 delays over 25 ms').waitFor();
			fake.tell(room, 'delay', 'well', null, { delay: { ...delay, ms: 20, over: false } });
			await page.getByText(`${b.name} hears ${a.name} in time again`).waitFor();
			await page.getByText('10 delays over 25 ms').waitFor();
			fake.leave(room, phone);
			await until(async () => await page.getByText('delays over').count() === 0, 'the one they were of has left');
		},
	},
	{
		name: 'beat', what: 'a music room has a beat: started, its tempo set, heard by whom one chooses; a room of voices shows none', limit: 90,
		async run(c) {
			const { fake, url } = await openFake(c);
			const page = await c.page();
			await signIn(page, url, TOKEN, '#/rooms/music-band');
			const room = fake.rooms.get('music-band');
			await page.getByRole('button', { name: 'Beat', exact: true }).click();
			await until(() => room.tempo.running, 'it runs');
			await page.getByText('Beat runs').waitFor();
			await page.getByRole('button', { name: '120 a minute' }).click();
			await page.getByLabel('Beats a minute').fill('97.5');
			await page.getByLabel('Beats in a bar').fill('3');
			await page.getByRole('button', { name: 'Set', exact: true }).click();
			await until(() => room.tempo.bpm === 97.5 && room.tempo.beats === 3, 'another tempo');
			await page.getByRole('button', { name: '97.5 a minute' }).waitFor();
			await page.getByRole('button', { name: `More about ${room.members[0].name}` }).click();
			await page.getByLabel('Hears the beat').check();
			await until(() => room.members[0].click, 'the click');
			await page.keyboard.press('Escape');
			await page.evaluate(() => {
				location.hash = '#/rooms/team';
			});
			await page.getByRole('heading', { name: 'Monday call' }).waitFor();
			expect(await page.getByRole('button', { name: 'Beat', exact: true }).isHidden(), 'a beat among voices');
		},
	},
	{
		name: 'many-rooms', what: 'many rooms get a filter', limit: 90,
		async run(c) {
			const { fake, url } = await openFake(c);
			const page = await c.page();
			await signIn(page, url);
			expect(await page.getByLabel('Filter rooms by name').isHidden(), 'a filter for three rooms');
			for (let i = 0; i < 20; i++)
				fake.room(`room${i}`);
			await page.getByLabel('Filter rooms by name').fill('ROOM1');
			await until(async () => await page.locator('.room-card').count() === 11, 'eleven have such a name');
			await page.getByText('23 rooms, 13 members').waitFor();
		},
	},
	{
		name: 'dialogs', what: 'a dialog takes the focus, keeps it, gives it back, and closes with its member', limit: 90,
		async run(c) {
			const { fake, url } = await openFake(c);
			const page = await c.page();
			await signIn(page, url, TOKEN, '#/rooms/team');
			const more = page.getByRole('button', { name: 'More about Ben Bright' });
			await more.click();
			await page.getByRole('dialog', { name: 'Ben Bright' }).waitFor();
			for (let i = 0; i < 30; i++) {
				await page.keyboard.press('Tab');
				expect(await page.evaluate(() => !document.activeElement || document.activeElement === document.body || !!document.activeElement.closest('dialog')),
					'the focus left the dialog');
			}
			await page.keyboard.press('Escape');
			expect(await more.evaluate((el) => el === document.activeElement), 'the focus is not given back');
			await more.click();
			const room = fake.rooms.get('team');
			fake.leave(room, room.members.find((/** @type {any} */ m) => m.name === 'Ben Bright'));
			await page.getByRole('dialog').waitFor({ state: 'detached' });
		},
	},
	{
		name: 'keyboard', what: 'skip link, sections, a room, filter, mute: all without a mouse, and the focus seen', limit: 90,
		async run(c) {
			const { fake, url } = await openFake(c);
			const page = await c.page();
			await page.goto(url);
			await page.getByLabel('Token').waitFor();
			await page.keyboard.type(TOKEN);
			await page.keyboard.press('Enter');
			await page.getByText('Live', { exact: true }).waitFor();
			await tabTo(page, /^Skip to the content$/, 12, 'Shift+Tab');
			await page.keyboard.press('Enter');
			await tabTo(page, /^Monday call/, 6);
			await page.keyboard.press('Enter');
			await page.getByRole('heading', { name: 'Monday call' }).waitFor();
			await until(() => page.evaluate(() => document.activeElement?.tagName === 'H1'), 'the heading has the focus');
			await tabTo(page, /^Mute Ann Archer$/);
			const ring = await page.evaluate(() => {
				const s = getComputedStyle(/** @type {Element} */ (document.activeElement));
				return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2;
			});
			expect(ring, 'the focus is not seen');
			await page.keyboard.press('ArrowDown');
			await page.keyboard.press('Space');
			const room = fake.rooms.get('team');
			await until(() => room.members[1].muted, 'the neighbour is muted');
			await tabTo(page, /^End for all$/, 60, 'Shift+Tab');
			await page.keyboard.press('Enter');
			await page.getByRole('dialog').waitFor();
			await page.keyboard.press('Escape');
			expect(fake.rooms.has('team'), 'ended without being asked');
		},
	},
	{
		name: 'motion', what: 'who wants less motion gets bars that step and nothing that glides', limit: 90,
		async run(c) {
			const { url } = await openFake(c);
			const page = await c.page({ reducedMotion: 'reduce' });
			await signIn(page, url, TOKEN, '#/rooms/team');
			await row(page, 'Ann Archer').waitFor();
			const moves = await page.evaluate(() => new Promise((resolve) => {
				let n = 0;
				const cover = document.querySelector('.member .meter-cover');
				new MutationObserver(() => n++).observe(/** @type {Element} */ (cover), { attributes: true });
				setTimeout(() => resolve(n), 2000);
			}));
			expect(Number(moves) <= 10, `${moves} steps in two seconds`);
			const glide = await page.locator('button').first().evaluate((el) => getComputedStyle(el).transitionDuration);
			expect(glide === '0s', `buttons glide: ${glide}`);
		},
	},
];
