/* theme.js - dark or light before the first picture; runs while the page is still being read. */
'use strict';
{
	const wish = localStorage.getItem('theme');
	if (wish === 'dark' || wish === 'light')
		document.documentElement.dataset.theme = wish;
}
