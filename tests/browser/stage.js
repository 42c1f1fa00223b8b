/* stage.js - the server and phones of stage.py, from here. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const HERE = dirname(fileURLToPath(import.meta.url));

export class Stage {
	/** @param {Record<string, string>} [options] */
	static async open(options = {}) {
		const stage = new Stage();
		Object.assign(stage, await stage.ask('server', { options }));
		return stage;
	}

	constructor() {
		this.http = this.token = this.state = this.sip = '';
		this.process = spawn('python3', [join(HERE, 'stage.py')], { stdio: ['pipe', 'pipe', 'inherit'] });
		/** @type {{ resolve: (v: any) => void, reject: (e: Error) => void }[]} */
		this.waiting = [];
		createInterface({ input: this.process.stdout }).on('line', (line) => {
			const answer = JSON.parse(line);
			const who = this.waiting.shift();
			if (answer.error)
				who?.reject(new Error(answer.error));
			else
				who?.resolve(answer);
		});
		this.process.on('exit', () => {
			for (const who of this.waiting.splice(0))
				who.reject(new Error('the stage has ended'));
		});
	}

	/** @param {string} op @param {Record<string, unknown>} [more] @returns {Promise<any>} */
	ask(op, more = {}) {
		return new Promise((resolve, reject) => {
			this.waiting.push({ resolve, reject });
			this.process.stdin.write(`${JSON.stringify({ op, ...more })}\n`);
		});
	}

	/** @param {string} name @param {string} room @param {number} [tone] */
	call(name, room, tone) {
		return this.ask('call', { name, room, tone });
	}

	/** How loud a phone hears a tone, dB against what was sent. @param {string} name @param {number} tone @returns {Promise<number>} */
	async level(name, tone, seconds = 2) {
		return (await this.ask('level', { name, tone, seconds })).db;
	}

	/** A question to the API, past the page. @param {string} method @param {string} path @param {unknown} [body] @returns {Promise<any>} */
	async api(method, path, body) {
		const r = await fetch(`${this.http}/api/v1/${path}`, { method, body: body === undefined ? undefined : JSON.stringify(body),
			headers: { Authorization: `Bearer ${this.token}`, 'Content-Type': 'application/json' } });
		if (!r.ok)
			throw new Error(`${method} ${path}: ${r.status} ${await r.text()}`);
		return r.json();
	}

	/** What was wrong with the server, as texts. @returns {Promise<string[]>} */
	async close() {
		const { wrong } = await this.ask('stop').catch((e) => ({ wrong: [e.message] }));
		this.process.stdin.end();
		return wrong;
	}
}
