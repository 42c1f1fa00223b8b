/* cases-docs.js - the pictures of docs/console.md, of the real server with real calls. */
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { openStage, row, signIn, visit } from './kit.js';
import { HERE } from './stage.js';

const FOLDER = join(HERE, '../../docs/console');
const LARGEST = 150 * 1024;

/** @type {[string, string[], number][]} */
const PEOPLE = [
	['Ann', ['L16/48000'], 0.3], ['Ben', ['PCMU'], 0.06], ['Chiara', ['PCMA'], 0.02], ['Dmitri', ['L16/16000'], 0.008], ['Elif', ['PCMU'], 0.12],
	['Finn', ['PCMU'], 0.004], ['Grace', ['PCMA'], 0.03],
];

/** @type {import('./cases.js').Case} */
export const pictures = {
	name: 'pictures', what: 'docs/console/*.png', limit: 120,
	async run(c) {
		mkdirSync(FOLDER, { recursive: true });
		const stage = await openStage(c);
		await stage.api('PUT', 'rooms/monday', { settings: { title: 'Monday call' } });
		await stage.api('PUT', 'rooms/support', { settings: { 'guest-pin': '1234', title: 'Support' } });
		const big = await c.page({ viewport: { width: 1200, height: 752 }, colorScheme: 'light' });
		await signIn(big, stage.http, stage.token, '#/rooms/monday');
		for (const [i, [name, codecs, amplitude]] of PEOPLE.entries())
			await stage.ask('call', { name, room: 'monday', tone: 500 + 90 * i, codecs, amplitude });
		for (const name of ['Hana', 'Idris', 'Jana'])
			await stage.ask('call', { name, room: 'music-trio', tone: 700, codecs: ['L16/48000'] });
		const { members } = await stage.api('GET', 'rooms/monday');
		const id = (/** @type {string} */ name) => members.find((/** @type {any} */ m) => m.name === name).id;
		const verb = (/** @type {string} */ name, /** @type {string} */ v, /** @type {object} */ args) => stage.api('POST', `rooms/monday/members/${id(name)}/${v}`, args);
		await verb('Ann', 'role', { role: 'host' });
		await verb('Chiara', 'hand', { on: true });
		await verb('Elif', 'mute', { on: true });
		await verb('Finn', 'role', { role: 'listener' });
		await verb('Dmitri', 'gain', { value: -6 });
		await stage.api('PATCH', 'rooms/monday', { settings: { lobby: 'on' } });
		await stage.ask('call', { name: 'Walter', room: 'monday', tone: 500 });
		await stage.api('POST', 'rooms/monday/record', { text: 'start' });
		const trio = (await stage.api('GET', 'rooms/music-trio')).members;
		await stage.api('POST', `rooms/music-trio/members/${trio[0].id}/view`, { other: trio[1].id, value: -6, pan: -0.5 });
		await stage.api('POST', `rooms/music-trio/members/${trio[1].id}/view`, { other: trio[2].id, value: 4, pan: 0.6 });
		await stage.api('POST', `rooms/music-trio/members/${trio[2].id}/view`, { other: trio[0].id, value: -60, pan: 2 });

		/** @param {import('playwright-core').Page} page @param {string} name @param {number} [height] */
		const shoot = async (page, name, height) => {
			await page.waitForTimeout(700);
			const path = join(FOLDER, `${name}.png`);
			const size = page.viewportSize() ?? { width: 1200, height: 700 };
			if (name === 'member')
				await page.getByRole('dialog').screenshot({ path });
			else
				await page.screenshot({ path, clip: { x: 0, y: 0, width: size.width, height: height ?? size.height } });
			if (statSync(path).size > LARGEST)
				c.wrong.push(`${name}.png is larger than ${LARGEST} bytes`);
		};
		await row(big, 'Grace').waitFor();
		await big.waitForTimeout(5000);
		await shoot(big, 'room');
		await big.getByRole('button', { name: 'More about Dmitri' }).click();
		await shoot(big, 'member');
		await big.keyboard.press('Escape');
		await visit(big, '#/rooms/monday/settings', 'Monday call');
		await shoot(big, 'settings', 600);
		await visit(big, '#/rooms', 'Rooms');
		await shoot(big, 'rooms', 260);
		await stage.api('POST', 'rooms/monday/record', { text: 'stop' });
		for (const name of ['Grace', 'Finn', 'Elif'])
			await stage.ask('bye', { name });
		await visit(big, '#/recordings', 'Recordings');
		await shoot(big, 'recordings', 300);
		await visit(big, '#/calls', 'Calls');
		await shoot(big, 'calls', 400);

		const dark = await c.page({ viewport: { width: 1200, height: 640 }, colorScheme: 'dark' });
		await signIn(dark, stage.http, stage.token, '#/rooms/music-trio/mixes');
		await dark.getByRole('gridcell').first().click();
		await shoot(dark, 'mixes');
		const music = await stage.api('GET', 'rooms/music-trio');
		await stage.api('PATCH', 'rooms/music-trio', { settings: { 'delay-bound': 80 } });
		for (const [i, m] of music.members.entries())
			await stage.api('POST', `rooms/music-trio/members/${m.id}/latency`, { capture_us: 22700, playback_us: 4000, buffer_us: 1300, rtt_us: 6000 + 8000 * i });
		await visit(dark, '#/rooms/music-trio/delays', 'music-trio');
		await dark.getByRole('gridcell').nth(1).click();
		await shoot(dark, 'delays');
		await visit(dark, '#/rooms/monday', 'Monday call');
		await shoot(dark, 'room-dark');
		const phone = await c.page({ viewport: { width: 360, height: 740 }, colorScheme: 'light', hasTouch: true, isMobile: true });
		await signIn(phone, stage.http, stage.token, '#/rooms/monday');
		await row(phone, 'Ann').waitFor();
		await shoot(phone, 'phone');
	},
};
