// An AppleMIDI peer of somebody else's making (npm rtpmidi), told what to do line by line: node peer.js PORT NAME HOST PORT
//
//     in    send 903c64      end
//     out   {"event": "ready"}  {"event": "synced"}  {"event": "midi", "data": "903c64"}  {"event": "gone"}
'use strict';

const readline = require('readline');
const rtpmidi = require('rtpmidi');

rtpmidi.logger.silent = true;

const [, , port, name, host, remote] = process.argv;
const say = (event, more) => process.stdout.write(JSON.stringify({ event, ...more }) + '\n');
const session = new rtpmidi.Session(Number(port), name, name, (Math.random() * 0x7fffffff) >>> 0, false);
let stream = null;

session.on('ready', () => {
	say('ready');
	session.connect({ address: host, port: Number(remote) });
});
session.on('streamAdded', (event) => {
	stream = event.stream;
	// It sends nothing before clocks have been compared.
	const wait = setInterval(() => {
		if (stream.latency !== null && stream.timeDifference !== null) {
			clearInterval(wait);
			say('synced');
		}
	}, 20);
});
session.on('streamRemoved', () => say('gone'));
session.on('message', (delta, data) => say('midi', { data: Buffer.from(data).toString('hex') }));
session.on('error', (err) => say('error', { text: String(err) }));

readline.createInterface({ input: process.stdin }).on('line', (line) => {
	const [word, hex] = line.split(' ');

	// Its Session.sendMessage loses what it is given; its Stream does not.
	if (word === 'send')
		stream.sendMessage({ timestamp: session.now(), commands: [{ deltaTime: 0, data: Buffer.from(hex, 'hex') }] });
	else if (word === 'end')
		session.end(() => process.exit(0));
}).on('close', () => process.exit(0));

session.start();
