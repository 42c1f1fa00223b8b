/* banner.js - whether what the page shows is true now: a word in the header, and a banner while it is not. */
import { byId, fill, h, setText } from './dom.js';

/** @typedef {'opening' | 'open' | 'lost'} Connection */

let wasLost = false;
let timer = 0;

/** @param {Connection} state @param {number} retryAt @param {() => void} retry */
export function showConnection(state, retryAt, retry) {
	window.clearInterval(timer);
	if (state === 'open')
		wasLost = false;
	else if (state === 'lost' && !wasLost)
		open(retry);
	document.body.dataset.connection = state === 'open' ? 'open' : wasLost ? 'lost' : 'opening';
	setText(byId('connection'), state === 'open' ? 'Live' : wasLost ? 'Offline' : 'Connecting');
	byId('banner').hidden = !wasLost;
	if (!wasLost)
		return;
	const tell = () => {
		const s = Math.ceil((retryAt - Date.now()) / 1000);
		setText(byId('banner-when'), state === 'opening' || s <= 0 ? 'Trying to connect …' : `Next try in ${s} s.`);
	};
	tell();
	timer = window.setInterval(tell, 500);
}

/** @param {() => void} retry */
function open(retry) {
	wasLost = true;
	fill(byId('banner'),
		h('p', {}, h('strong', { role: 'alert' }, 'The connection to the server is lost. '), 'What you see may be old. ',
			h('span', { id: 'banner-when' })),
		h('button', { type: 'button', onclick: retry }, 'Try now'));
}

export function forgetConnection() {
	window.clearInterval(timer);
	wasLost = false;
	byId('banner').hidden = true;
	delete document.body.dataset.connection;
	setText(byId('connection'), '');
}
