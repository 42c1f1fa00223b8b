/* fake.js - a server that speaks the contract of docs/api.md and has no sound: as many members as one likes, who talk by a
 * formula. What the page does is looked at with it where real calls would only be in the way: fifty meters, a stream that
 * ends, settings that somebody else changed meanwhile. `node fake.js` serves it, for a look at the page. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const UI = join(dirname(fileURLToPath(import.meta.url)), '../../web/ui');
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
export const TOKEN = 'fake-token';
const NAMES = ['Ann Archer', 'Ben Bright', 'Chiara Conti', 'Dmitri Danko', 'Elif Erdem', 'Finn Falk', 'Grace Gómez', 'Hana Hayashi',
	'Idris Iqbal', 'Jana Jonas', 'Kofi Kamara', 'Lena Lund', 'Mateo Marín', 'Nina Novak', 'Omar Osman', 'Priya Patel', '+49 30 5550 117',
	'Quentin Quist', 'Rosa Rinaldi', 'Sven Sommer'];

/** @type {import('../../web/ui/types').SettingInfo[]} */
const SETTINGS = /** @type {any} */ ([
	{ name: 'title', type: 'text', default: '', help: 'Name of the room, for people.' },
	{ name: 'profile', type: 'choice', choices: ['voice', 'music'], default: 'voice', help: 'What the sound is made for.' },
	{ name: 'host-pin', type: 'pin', secret: true, default: '', help: '4 to 12 digits that make a caller a host.' },
	{ name: 'max-members', type: 'number', min: 0, max: 100000, default: '0', help: 'Members at one time. 0: as many as the server takes.' },
	{ name: 'lobby', type: 'choice', choices: ['off', 'on'], default: 'off', help: 'Callers wait until a host lets them in.' },
	{ name: 'tones', type: 'choice', choices: ['off', 'on'], default: 'on', help: 'A tone tells who is in that somebody came or left.' },
	{ name: 'start', type: 'time', default: '', help: 'From when it is open.' },
]);

export class Fake {
	constructor() {
		this.number = 1000;
		this.id = 0;
		this.rooms = new Map();
		this.sockets = new Set();
		/** What the page has sent: method, path, body. @type {{ method: string, path: string, body: any }[]} */
		this.asked = [];
		this.recordings = [];
		this.calls = [];
		this.port = 0;
		this.connections = new Set();
		this.latency_ms = 0;
		this.oldest = 0;
	}

	// ---- the house ----

	room(name, profile = 'voice') {
		const room = { room: name, title: '', has_host_pin: false, has_guest_pin: true, hours: 'open', starts_ms: null, ends_ms: null, version: 1, created_ms: Date.now(), locked: false, muted_all: false, profile, persistent: true, recording: '',
			tempo: { bpm: 120, beats: 4, running: false, beat: 0, origin: null, follow: null },
			speaker: null, settings: { title: '', profile, tones: 'on' }, members: [], views: new Map() };
		this.rooms.set(name, room);
		this.tell(room, 'room-created', '', null);
		return room;
	}

	member(room, name = NAMES[this.id % NAMES.length], more = {}) {
		const id = ++this.id;
		const user = name.toLowerCase().normalize('NFD').replace(/[^a-z0-9]+/g, '.');
		const m = { id, uri: `sip:${user}@192.0.2.${id % 250}`, name, role: 'speaker', muted: false, muted_by_host: false, deaf: false, hold: false,
			hand: false, talking: false, dialed_out: false, waiting: null, gain_db: 0, pan: 0, click: false, click_db: 0, since_ms: Date.now() - 1000 * (100 - id),
			media: { receive_codec: ['opus', 'PCMU', 'G722', 'opus'][id % 4], send_codec: ['opus', 'PCMU', 'G722', 'opus'][id % 4], keys: ['none', 'sdes', 'dtls'][id % 3],
				packets_received: 3120, packets_sent: 3119, packets_lost: id % 7 === 3 ? 90 : 2, packets_late: 0, peer_lost_percent: 0, jitter_us: 310,
				buffer_ms: 20 + (id * 13) % 60, round_trip_us: 1800 + 1000 * ((id * 37) % 120), level_dbov: 127, cpu_us: 48200, quality: null,
				peer_quality: null }, ...more };
		room.members.push(m);
		this.tell(room, m.waiting ? 'member-waiting' : 'member-joined', m.waiting ?? '', m);
		return m;
	}

	/** A change of a member. */
	change(room, m, values, detail = '') {
		Object.assign(m, values);
		this.tell(room, 'member-changed', detail, m);
	}

	leave(room, m, why = 'bye') {
		room.members = room.members.filter((x) => x !== m);
		this.tell(room, 'member-left', why, m);
	}

	tell(room, type, detail, member, more = {}) {
		room.version++;
		const text = JSON.stringify({ number: ++this.number, room: room.room, version: room.version, type, at_ms: Date.now(), detail, member, ...more });
		for (const s of this.sockets)
			if (!s.room || s.room === room.room)
				frame(s.socket, text);
	}

	levels() {
		const t = Date.now() / 1000;
		for (const s of this.sockets) {
			const room = s.levels && this.rooms.get(s.room);
			if (!room)
				continue;
			const levels = room.members.filter((m) => !m.muted && !m.waiting).map((m) => {
				const syllable = Math.abs(Math.sin(t * (3 + (m.id % 5)) + m.id));
				const talks = m.talking ? 18 + (m.id % 9) : 40 + (m.id * 7) % 18;
				return [m.id, Math.round(talks + 16 * (1 - syllable))];
			});
			frame(s.socket, JSON.stringify({ type: 'levels', room: s.room, levels }));
		}
		for (const room of this.rooms.values())
			for (const m of room.members)
				m.media.packets_received += 3, m.media.packets_lost += m.id % 7 === 3 && Math.random() < 0.2 ? 1 : 0;
	}

	// ---- HTTP ----

	async listen(port = this.port) {
		this.server = createServer((q, r) => this.request(q, r));
		this.server.on('upgrade', (q, socket) => this.upgrade(q, socket));
		this.server.on('connection', (c) => {
			this.connections.add(c);
			c.on('close', () => this.connections.delete(c));
		});
		await new Promise((resolve) => this.server?.listen(port, '127.0.0.1', () => resolve(undefined)));
		this.port = /** @type {any} */ (this.server.address()).port;
		this.timer = setInterval(() => this.levels(), 50);
		return `http://127.0.0.1:${this.port}`;
	}

	/** As if it had died: all connections end at once. */
	async kill() {
		clearInterval(this.timer);
		const closed = new Promise((resolve) => this.server?.close(() => resolve(undefined)));
		for (const c of this.connections)
			c.destroy();
		this.sockets.clear();
		await closed;
	}

	async request(q, r) {
		const url = new URL(q.url, 'http://fake');
		let text = '';
		for await (const chunk of q)
			text += chunk;
		if (this.latency_ms)
			await new Promise((resolve) => setTimeout(resolve, this.latency_ms));
		const send = (status, body, headers = {}) => {
			r.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', ...headers });
			r.end(typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body));
		};
		if (!url.pathname.startsWith('/api/v1/'))
			return this.file(url.pathname, send);
		const path = url.pathname.slice(8).split('/').map(decodeURIComponent);
		const body = text ? JSON.parse(text) : {};
		if (q.method !== 'GET' && path[0] !== 'login')
			this.asked.push({ method: q.method, path: path.join('/'), body });
		if (path[0] === 'login')
			return body.token === TOKEN ? send(200, { name: 'admin', scope: 'admin', room: null }, { 'Set-Cookie': 'tutti=yes; HttpOnly; SameSite=Strict; Path=/' })
				: send(401, { status: 401, error: 'a wrong token' });
		if (!/\btutti=yes\b/.test(q.headers.cookie ?? ''))
			return send(401, { status: 401, error: 'a bearer token is needed' });
		const [status, answer, headers] = this.answer(q, path, url.searchParams, body);
		send(status, answer, headers);
	}

	file(path, send) {
		const name = path === '/' ? 'index.html' : path.replace(/^\/ui\//, '');
		try {
			send(200, readFileSync(join(UI, name.replace(/[^a-z.]/g, ''))), { 'Content-Type': TYPES[extname(name)],
				'Content-Security-Policy': "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; media-src 'self'" });
		} catch {
			send(404, { status: 404, error: 'nothing here' });
		}
	}

	answer(q, path, query, body) {
		const [what, name, third, fourth, fifth] = path;
		const none = [404, { status: 404, error: 'no such room' }, {}];
		if (what === 'logout')
			return [200, { ok: true }, { 'Set-Cookie': 'tutti=; Max-Age=0; Path=/' }];
		if (what === 'session')
			return [200, { name: 'admin', scope: 'admin', room: null }, {}];
		if (what === 'settings')
			return [200, { settings: SETTINGS }, {}];
		if (what === 'recordings')
			return [200, { recordings: this.recordings.filter((x) => !query.get('room') || x.room === query.get('room')) }, {}];
		if (what === 'calls')
			return [200, { calls: this.calls, next: 0 }, {}];
		if (what !== 'rooms')
			return none;
		if (!name)
			return q.method === 'POST' ? [201, this.room(body.room), {}] : [200, { rooms: [...this.rooms.values()].map((r) => this.short(r)) }, {}];
		const room = this.rooms.get(name);
		if (!room)
			return none;
		const etag = { ETag: `"${room.version}"` };
		if (q.method === 'GET')
			return third === 'delays' ? [200, this.delays(room), {}] : third === 'bans' ? [200, { bans: room.room === 'team' ? [{ uri: 'sip:spam@203.0.113.9', at_ms: Date.now() }] : [] }, {}] : third === 'views' ? [200, { views: [...room.views.entries()].map(([k, v]) => [...k.split(' ').map(Number), ...v]) }, {}]
				: [200, { ...room, views: undefined }, etag];
		if (q.method === 'PATCH') {
			if (q.headers['if-match'] && q.headers['if-match'] !== etag.ETag)
				return [412, { status: 412, error: 'the room has changed meanwhile' }, {}];
			Object.assign(room.settings, body.settings);
			room.title = room.settings.title;
			this.tell(room, 'room-changed', 'settings', null);
			return [200, { ok: true }, {}];
		}
		if (third === 'members')
			return this.memberVerb(room, Number(fourth), fifth, body);
		return this.roomVerb(room, third, body);
	}

	/** Members are further away the later they came; the last is a phone that does not say what it needs. */
	delays(room) {
		const inside = room.members.filter((m) => !m.waiting);
		const members = inside.map((m, i) => {
			const phone = i === inside.length - 1 && i > 1;
			const to = { capture_ms: phone ? null : 2.7, frame_ms: phone ? 20 : 1.333, up_ms: 0.5 + i * 1.5, buffer_ms: phone ? 24 : 1.4 };
			const from = { send_ms: phone ? 18.667 : 0, down_ms: 0.5 + i * 1.5, own_buffer_ms: phone ? null : 1.3, playback_ms: phone ? null : 4 };
			const half = (p) => ({ ms: Object.values(p).reduce((sum, x) => sum + (x ?? 0), 0), whole: !Object.values(p).includes(null), ...p });
			return { id: m.id, name: m.name, uri: m.uri, to_mix: half(to), from_mix: half(from) };
		});
		const delays = members.flatMap((a) => members.filter((b) => b !== a).map((b) => {
			const ms = a.to_mix.ms + b.from_mix.ms;
			return [a.id, b.id, ms, a.to_mix.whole && b.from_mix.whole, ms > 25];
		}));
		return { room: room.room, at_ms: Date.now(), bound_ms: 25, watched: room.profile === 'music', members, delays: room.profile === 'music' ? delays : [] };
	}

	short(r) {
		const { members, views, settings, speaker, ...rest } = r;
		return { ...rest, members: members.filter((m) => !m.waiting).length, waiting: members.filter((m) => m.waiting).length };
	}

	roomVerb(room, verb, body) {
		if (verb === 'lock')
			room.locked = body.on;
		if (verb === 'mute-all')
			room.muted_all = body.on;
		if (verb === 'record')
			room.recording = { start: 'running', resume: 'running', pause: 'paused', stop: '' }[body.text];
		if (verb === 'transport')
			room.tempo = { ...room.tempo, running: body.text !== 'stop' };
		if (verb === 'tempo')
			room.tempo = { ...room.tempo, bpm: body.value || room.tempo.bpm, beats: body.beats || room.tempo.beats };
		if (verb === 'end') {
			this.rooms.delete(room.room);
			this.tell(room, 'room-ended', '', null);
		} else {
			this.tell(room, 'room-changed', verb === 'record' ? `recording-${{ start: 'started', pause: 'paused', resume: 'resumed', stop: 'stopped' }[body.text]}` : verb, null);
		}
		return [200, { ok: true }, {}];
	}

	memberVerb(room, id, verb, body) {
		const m = room.members.find((x) => x.id === id);
		if (!m)
			return [404, { status: 404, error: 'no such member' }, {}];
		if (verb === 'kick' || verb === 'refuse')
			this.leave(room, m, verb === 'kick' ? 'kicked' : 'refused');
		else if (verb === 'view')
			body.value === 0 && body.pan === 2 ? room.views.delete(`${id} ${body.other}`) : room.views.set(`${id} ${body.other}`, [body.value, body.pan]);
		else if (verb === 'admit')
			this.change(room, m, { waiting: null });
		else
			this.change(room, m, { mute: { muted: body.on, muted_by_host: body.on }, hand: { hand: body.on }, deaf: { deaf: body.on },
				gain: { gain_db: body.value }, pan: { pan: body.pan }, click: { click: body.on }, role: { role: body.role } }[verb] ?? {});
		return [200, { ok: true }, {}];
	}

	// ---- WebSocket (RFC 6455), one way ----

	upgrade(q, socket) {
		const url = new URL(q.url, 'http://fake');
		if (!/\btutti=yes\b/.test(q.headers.cookie ?? '')) {
			socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n');
			return;
		}
		const accept = createHash('sha1').update(q.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');
		socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
		const s = { socket, room: url.searchParams.get('room'), levels: url.searchParams.has('levels') };
		this.sockets.add(s);
		socket.on('close', () => this.sockets.delete(s));
		socket.on('error', () => this.sockets.delete(s));
		socket.on('data', () => {});
		frame(socket, JSON.stringify({ type: 'hello', number: this.number }));
		const since = Number(url.searchParams.get('since') ?? this.number);
		if (since < this.oldest || since > this.number)
			frame(socket, JSON.stringify({ type: 'resync', number: this.number }));
	}
}

function frame(socket, text) {
	const data = Buffer.from(text);
	const head = data.length < 126 ? Buffer.from([0x81, data.length])
		: Buffer.from([0x81, 126, data.length >> 8, data.length & 255]);
	if (data.length > 65535)
		throw new Error('too long for this server');
	socket.write(Buffer.concat([head, data]));
}

/** A house with something in every view. */
export function furnish(fake) {
	const team = fake.room('team');
	team.title = team.settings.title = 'Monday call';
	for (let i = 0; i < 7; i++)
		fake.member(team);
	const [ann, ben, chiara, dmitri, elif] = team.members;
	Object.assign(ann, { role: 'host', talking: true });
	Object.assign(ben, { hand: true });
	Object.assign(chiara, { muted: true, muted_by_host: true });
	Object.assign(dmitri, { gain_db: -6, hold: true });
	Object.assign(elif, { muted: true, role: 'listener' });
	team.speaker = { id: ann.id, name: ann.name };
	team.recording = 'running';
	fake.member(team, 'Walter Weiss', { waiting: 'admit' });
	const band = fake.room('music-band', 'music');
	for (let i = 0; i < 6; i++)
		fake.member(band);
	const ids = band.members.map((m) => m.id);
	band.views.set(`${ids[0]} ${ids[1]}`, [-6, -0.5]);
	band.views.set(`${ids[2]} ${ids[4]}`, [-60, 2]);
	band.views.set(`${ids[3]} ${ids[0]}`, [4, 0.8]);
	fake.room('quiet').locked = true;
	const now = Date.now();
	fake.recordings = [
		{ id: 'r2', room: 'team', by: 'sip:ann@192.0.2.7', state: 'running', start_ms: now - 60000, end_ms: 0, bytes: 0, files: [] },
		{ id: 'r1', room: 'music-band', by: '', state: 'finished', start_ms: now - 9e6, end_ms: now - 7e6, bytes: 8123456,
			files: [{ name: 'mix.opus', bytes: 8000000 }, { name: 'stem-1.flac', bytes: 1 }, { name: 'manifest.json', bytes: 1 }] }];
	fake.calls = NAMES.slice(0, 12).map((name, i) => ({ id: 100 - i, from: `sip:${name.split(' ')[0]}@192.0.2.${i}`, from_name: name,
		to: 'sip:team@tutti.example', room: 'team', role: 'speaker', why: i === 4 ? 'Forbidden' : 'bye', codec: 'opus', outgoing: i === 3,
		start_ms: now - i * 1e6, answer_ms: i === 4 ? 0 : now - i * 1e6, end_ms: now - i * 1e6 + 345678, status: i === 4 ? 403 : 200,
		rx_packets: 17000, lost: i * 13, late: 0, mos: 4.3, rtt_us: 20000 }));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const fake = new Fake();
	furnish(fake);
	console.log(`${await fake.listen(Number(process.argv[2] ?? 0))}, token ${TOKEN}`);
}
