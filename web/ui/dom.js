/* dom.js - elements from script, and the few ways in which this page speaks to a person: toasts, a spoken line, dialogs.
 *
 * Text from the network only ever becomes a text node or an attribute's value: there is no markup made of strings here. */

/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * An element. Properties that begin with "on" are listeners; `class` and `aria-…` and the like are attributes; true is
 * the empty attribute, false and null leave it out.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, unknown>} [props]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, props = {}, ...children) {
	const el = document.createElement(tag);
	for (const [name, value] of Object.entries(props)) {
		if (name.startsWith('on'))
			el.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
		else if (name === 'value')
			/** @type {HTMLInputElement} */ (/** @type {unknown} */ (el)).value = String(value);
		else if (value !== false && value !== null && value !== undefined)
			el.setAttribute(name, value === true ? '' : String(value));
	}
	append(el, children);
	return el;
}

/** @param {Element} el @param {(Child | Child[])[]} children */
function append(el, children) {
	for (const c of children.flat())
		if (c !== null && c !== undefined && c !== false)
			el.append(c instanceof Node ? c : String(c));
}

/** @param {Element} el @param {...(Child | Child[])} children */
export function fill(el, ...children) {
	el.replaceChildren();
	append(el, children);
}

/** Sets a text only when it is another one: what did not change is not laid out again. @param {Element} el @param {string} text */
export function setText(el, text) {
	if (el.textContent !== text)
		el.textContent = text;
}

/** @param {Element} el @param {string} name @param {string | boolean | null} value */
export function setAttr(el, name, value) {
	const text = value === true ? '' : value === false ? null : value;
	if (el.getAttribute(name) === text)
		return;
	if (text === null)
		el.removeAttribute(name);
	else
		el.setAttribute(name, text);
}

/** @param {string} id @returns {HTMLElement} */
export function byId(id) {
	const el = document.getElementById(id);
	if (!el)
		throw new Error(`no element ${id}`);
	return el;
}

let ids = 0;
/** @param {string} prefix */
export function freshId(prefix) {
	return `${prefix}-${++ids}`;
}

/* --- what is told --- */

/** @type {string[]} */
let lines = [];
let speaking = 0;

/** Read out by a screen reader when it has time; what comes within a second is one sentence. @param {string} text */
export function announce(text) {
	lines.push(text);
	if (speaking)
		return;
	speaking = window.setTimeout(() => {
		const said = lines.length > 4 ? [...lines.slice(0, 3), `and ${lines.length - 3} more`] : lines;
		byId('spoken').textContent = `${said.join(', ')}.`;
		lines = [];
		speaking = 0;
	}, 700);
}

/** A message that goes away by itself; trouble stays until it is closed. @param {string} text @param {'good' | 'bad'} [kind] */
export function toast(text, kind = 'good') {
	const close = () => el.remove();
	const el = h('div', { class: `toast ${kind}`, role: kind === 'bad' ? 'alert' : 'status' }, h('span', {}, text),
		h('button', { type: 'button', class: 'quiet', 'aria-label': 'Dismiss this message', onclick: close }, '✕'));
	const box = byId('toasts');
	while (box.children.length >= 4)
		box.firstElementChild?.remove();
	box.append(el);
	window.setTimeout(close, kind === 'bad' ? 12000 : 4000);
}

/** Runs what may be refused, and says so. @param {Promise<unknown>} doing @param {string} [done] @returns {Promise<boolean>} */
export async function attempt(doing, done) {
	try {
		await doing;
		if (done)
			toast(done);
		return true;
	} catch (e) {
		toast(e instanceof Error ? e.message : String(e), 'bad');
		return false;
	}
}

/* --- dialogs --- */

/**
 * A modal dialog. The browser keeps the focus inside and gives it back at the end; Escape and a click beside it close it.
 * @param {string} title
 * @param {(Child | Child[])[]} body
 * @param {{ class?: string, onclose?: () => void }} [options]
 * @returns {HTMLDialogElement}
 */
export function openDialog(title, body, options = {}) {
	const id = freshId('dialog');
	const before = /** @type {HTMLElement | null} */ (document.activeElement);
	const close = h('button', { type: 'button', class: 'quiet icon', 'aria-label': 'Close', onclick: () => el.close() }, '✕');
	const el = h('dialog', { class: options.class ?? '', 'aria-labelledby': id },
		h('header', {}, h('h2', { id }, title), close), h('div', { class: 'dialog-body' }, ...body));
	el.addEventListener('click', (e) => {
		if (e.target === el)
			el.close();
	});
	el.addEventListener('close', () => {
		el.remove();
		options.onclose?.();
		if (before?.isConnected)
			before.focus();
		else
			byId('main').focus();
	});
	document.body.append(el);
	el.showModal();
	return el;
}

/**
 * A form in a dialog; `send` may throw, and then the dialog stays and shows why.
 * @param {string} title
 * @param {Child[]} fields
 * @param {string} button
 * @param {(form: FormData) => Promise<unknown>} send
 * @param {{ danger?: boolean, class?: string }} [options]
 */
export function openForm(title, fields, button, send, options = {}) {
	const trouble = h('p', { class: 'trouble', role: 'alert', hidden: true });
	const submit = h('button', { type: 'submit', class: options.danger ? 'danger' : 'primary' }, button);
	const cancel = h('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel');
	/** @param {Event} e */
	const onsubmit = async (e) => {
		e.preventDefault();
		submit.disabled = true;
		try {
			await send(new FormData(form));
			dialog.close();
		} catch (why) {
			trouble.textContent = why instanceof Error ? why.message : String(why);
			trouble.hidden = false;
			submit.disabled = false;
		}
	};
	const form = h('form', { onsubmit }, ...fields, trouble, h('div', { class: 'buttons end' }, cancel, submit));
	const dialog = openDialog(title, [form], options);
	const first = /** @type {HTMLElement | null} */ (form.querySelector('input, select, textarea'));
	(first ?? cancel).focus();
	return dialog;
}

/** @param {string} label @param {HTMLInputElement | HTMLSelectElement} input @param {string} [hint] */
export function field(label, input, hint) {
	input.id = input.id || freshId('field');
	if (hint)
		input.setAttribute('aria-describedby', `${input.id}-hint`);
	return h('div', { class: 'field' }, h('label', { for: input.id }, label), input,
		hint && h('p', { class: 'hint', id: `${input.id}-hint` }, hint));
}
