/** @type {import('./cases.js').Case[]} */
export const plays = [];
