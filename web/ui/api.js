/* api.js - questions to the server. A refusal is an error with the server's words; no answer at all is another. */

/** @typedef {import('./types').Room} Room */
/** @typedef {import('./types').Arguments} Arguments */

const PATIENCE_MS = 8000;

/** The server said no. */
export class Refused extends Error {
	/** @param {number} status @param {string} message */
	constructor(status, message) {
		super(message);
		this.status = status;
	}
}

/** The server said nothing. */
export class Unreachable extends Error {}

/** What happens when the server does not know us any more. @type {() => void} */
let signedOut = () => {};
/** @param {() => void} handler */
export function onSignedOut(handler) {
	signedOut = handler;
}

/**
 * @typedef {object} Answer
 * @property {any} body     what the server said, whoever asked knows its shape
 * @property {string} etag
 * @property {number} status
 */

/**
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @param {Record<string, string>} [headers]
 * @returns {Promise<Answer>}
 */
export async function ask(method, path, body, headers = {}) {
	/** @type {Response} */
	let response;
	let text = '';
	try {
		response = await fetch(`/api/v1/${path}`, {
			method,
			credentials: 'same-origin',
			cache: 'no-store',
			headers: method === 'GET' ? headers : { 'Content-Type': 'application/json', ...headers },
			body: method === 'GET' ? undefined : JSON.stringify(body ?? {}),
			signal: AbortSignal.timeout(PATIENCE_MS),
		});
		text = await response.text();
	} catch {
		throw new Unreachable('The server does not answer.');
	}
	const said = parse(text);
	if (response.ok)
		return { body: said, etag: response.headers.get('ETag') ?? '', status: response.status };
	if (response.status === 401 && path !== 'login')
		signedOut();
	throw new Refused(response.status, sentence(said?.error ?? `The server answered ${response.status}.`));
}

/** @param {string} text @returns {any} */
function parse(text) {
	try {
		return JSON.parse(text);
	} catch {
		return null;
	}
}

/** @param {string} text */
function sentence(text) {
	return text.charAt(0).toUpperCase() + text.slice(1);
}

/** @param {string} room */
export function roomPath(room) {
	return `rooms/${encodeURIComponent(room)}`;
}

/** @param {string} path @returns {Promise<any>} */
export async function get(path) {
	return (await ask('GET', path)).body;
}

/** Who is signed in. @type {import('./types').Session} */
let session = { name: '', scope: 'read', room: null };

/** @param {string} token */
export async function login(token) {
	session = (await ask('POST', 'login', { token })).body;
}

/** Is there a cookie that the server still takes? */
export async function resume() {
	session = await get('session');
}

/** The one room this session is good for; null: all. */
export function ownRoom() {
	return session.room || null;
}

/** May this session do something, or only look? */
export function mayControl() {
	return session.scope !== 'read';
}


export function logout() {
	return ask('POST', 'logout');
}

/** What one does to a room. @param {string} room @param {string} verb @param {Arguments} [args] @returns {Promise<any>} */
export async function roomVerb(room, verb, args = {}) {
	return (await ask('POST', `${roomPath(room)}/${verb}`, args)).body;
}

/**
 * What one does to a member.
 * @param {string} room @param {number} member @param {string} verb @param {Arguments} [args] @returns {Promise<any>}
 */
export async function memberVerb(room, member, verb, args = {}) {
	return (await ask('POST', `${roomPath(room)}/members/${member}/${verb}`, args)).body;
}

/**
 * Sends values of one kind, a fader's: one question at a time, and of what comes meanwhile only the last.
 * @template T
 */
export class Latest {
	/** @param {(value: T) => Promise<unknown>} send @param {(e: unknown) => void} failed */
	constructor(send, failed) {
		this.send = send;
		this.failed = failed;
		/** @type {{ value: T } | null} */
		this.next = null;
		this.busy = false;
	}

	/** @param {T} value */
	put(value) {
		this.next = { value };
		if (!this.busy)
			void this.run();
	}

	async run() {
		this.busy = true;
		try {
			while (this.next) {
				const { value } = this.next;
				this.next = null;
				await this.send(value);
			}
		} catch (e) {
			this.next = null;
			this.failed(e);
		} finally {
			this.busy = false;
		}
	}
}
