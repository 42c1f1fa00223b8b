/* app.js - the frame: which view the address names, theme, signing in and out. */
import { byId, fill, h, setAttr } from './dom.js';
import { icon } from './icons.js';
import { logout, onSignedOut, ownRoom, Refused, resume, Unreachable } from './api.js';
import { forgetConnection, showConnection } from './banner.js';
import { loginView } from './login.js';
import { roomsView } from './rooms.js';
import { roomView } from './room.js';
import { recordingsView } from './recordings.js';
import { callsView } from './calls.js';

/** @typedef {import('./types').View} View */

/** @type {View | null} */
let view = null;
let key = '';

/** @param {string} hash @returns {string[]} */
function parts(hash) {
	return hash.replace(/^#\/?/, '').split('/').map((p) => {
		try {
			return decodeURIComponent(p);
		} catch {
			return p;
		}
	});
}

/** @param {string[]} path @returns {{ key: string, make: () => View, rest: string[] }} */
function route(path) {
	const [first, name, ...rest] = path;
	if (first === 'rooms' && name)
		return { key: `room ${name}`, make: () => roomView(name, rest), rest };
	if (first === 'recordings')
		return { key: 'recordings', make: recordingsView, rest: [] };
	if (first === 'calls')
		return { key: 'calls', make: callsView, rest: [] };
	const own = ownRoom();
	if (own && !first)
		return { key: `room ${own}`, make: () => roomView(own, []), rest: [] };
	return { key: 'rooms', make: roomsView, rest: [] };
}

/** @param {View} next @param {boolean} focus */
function put(next, focus) {
	view?.end();
	view = next;
	fill(byId('main'), next.el);
	document.title = `${next.title} – Tutti`;
	window.scrollTo(0, 0);
	if (focus)
		/** @type {HTMLElement | null} */ (next.el.querySelector('h1'))?.focus();
}

/** @param {boolean} focus */
function show(focus) {
	const path = parts(location.hash);
	const to = route(path);
	for (const a of /** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll('#sections a')))
		setAttr(a, 'aria-current', a.dataset.section === (path[0] || 'rooms') ? 'page' : null);
	if (to.key === key && view) {
		view.go?.(to.rest);
		return;
	}
	key = to.key;
	document.body.dataset.signed = 'in';
	put(to.make(), focus);
}

function signIn() {
	if (document.body.dataset.signed === 'out')
		return;
	document.body.dataset.signed = 'out';
	key = '';
	for (const d of document.querySelectorAll('dialog'))
		d.close();
	put(loginView(() => show(true)), false);
	forgetConnection();
	/** @type {HTMLElement | null} */ (byId('main').querySelector('input:not([hidden])'))?.focus();
}

async function signOut() {
	await logout().catch(() => {});
	signIn();
}

/** Is there a cookie that the server takes? Until it answers, it is asked again. */
async function begin() {
	try {
		await resume();
		show(false);
	} catch (e) {
		if (e instanceof Unreachable) {
			showConnection('lost', Date.now() + 2000, () => location.reload());
			window.setTimeout(() => void begin(), 2000);
		} else if (!(e instanceof Refused && e.status === 401)) {
			show(false);
		}
	}
}

const themes = [['auto', 'auto', 'as the system'], ['light', 'sun', 'light'], ['dark', 'moon', 'dark']];

/** @param {number} step  0: only show which it is */
function turnTheme(step) {
	const now = document.documentElement.dataset.theme ?? 'auto';
	const at = (themes.findIndex(([t]) => t === now) + step) % themes.length;
	const [theme = 'auto', sign = 'auto', words = ''] = themes[at] ?? [];
	if (theme === 'auto') {
		delete document.documentElement.dataset.theme;
		localStorage.removeItem('theme');
	} else {
		document.documentElement.dataset.theme = theme;
		localStorage.setItem('theme', theme);
	}
	const button = byId('theme');
	fill(button, icon(sign));
	setAttr(button, 'aria-label', `Colours: ${words}`);
	setAttr(button, 'title', `Colours: ${words}`);
}

byId('theme').addEventListener('click', () => turnTheme(1));
byId('sign-out').addEventListener('click', () => void signOut());
byId('skip').addEventListener('click', (e) => {
	e.preventDefault();
	byId('main').focus();
});
window.addEventListener('hashchange', () => {
	if (document.body.dataset.signed === 'in')
		show(true);
});
onSignedOut(signIn);
turnTheme(0);
fill(byId('connection'), h('span'));
void begin();
