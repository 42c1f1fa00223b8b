/* login.js - a token becomes a cookie that no script can read. */
import { field, h } from './dom.js';
import { login, Refused } from './api.js';

/** @param {() => void} done @returns {import('./types').View} */
export function loginView(done) {
	const token = h('input', { type: 'password', name: 'token', required: true, autocomplete: 'current-password', spellcheck: 'false' });
	const trouble = h('p', { class: 'trouble', role: 'alert', hidden: true });
	const button = h('button', { type: 'submit', class: 'primary wide' }, 'Sign in');
	const form = h('form', { class: 'card login', onsubmit: async (/** @type {Event} */ e) => {
		e.preventDefault();
		button.disabled = true;
		trouble.hidden = true;
		try {
			await login(token.value.trim());
			done();
		} catch (why) {
			trouble.textContent = why instanceof Refused && why.status === 401 ? 'The server does not know this token.'
				: why instanceof Error ? why.message : String(why);
			trouble.hidden = false;
			button.disabled = false;
			token.select();
		}
	} },
	h('h1', { tabindex: '-1' }, 'Sign in'),
	h('input', { type: 'text', name: 'username', autocomplete: 'username', value: 'console', hidden: true }),
	field('Token', token, 'The administrator’s was printed at the first start and is in the file admin-token of the state folder.'),
	trouble, button);
	return { el: h('div', { class: 'login-view' }, form), title: 'Sign in', end() {} };
}
