/* SPDX-License-Identifier: Apache-2.0 */
"use strict";
(function () {
	const form = document.getElementById("find");
	const claims = Array.from(document.querySelectorAll("details.claim"));
	const heads = Array.from(document.querySelectorAll("#claims > h3"));
	const field = (id) => document.getElementById(id);
	const texts = claims.map((claim) => claim.textContent.toLowerCase());

	function fits(claim, text) {
		const verdict = field("verdict").value, source = field("source").value;
		const words = field("words").value.toLowerCase().split(/\s+/).filter(Boolean);
		return words.every((word) => text.includes(word)) &&
			(verdict === "" || claim.dataset.words.split(" ").includes(verdict)) &&
			(source === "" || claim.dataset.sources.split(" ").includes(source)) &&
			(!field("lessons").checked || claim.dataset.textbook === "differs");
	}

	function filter() {
		let shown = 0;
		claims.forEach((claim, i) => {
			claim.hidden = !fits(claim, texts[i]);
			shown += claim.hidden ? 0 : 1;
		});
		for (const head of heads) {
			let next = head.nextElementSibling, any = false;
			for (; next && next.tagName === "DETAILS"; next = next.nextElementSibling)
				any = any || !next.hidden;
			head.hidden = !any;
		}
		field("shown").textContent = shown + " of " + claims.length + " claims";
	}

	/* A link to a claim opens it, whatever is filtered. */
	function open() {
		const claim = document.getElementById(decodeURIComponent(location.hash.slice(1)));
		if (claim && claim.tagName === "DETAILS") {
			claim.hidden = false;
			claim.open = true;
			claim.scrollIntoView();
		}
	}

	form.hidden = false;
	form.addEventListener("input", filter);
	form.addEventListener("submit", (event) => event.preventDefault());
	window.addEventListener("hashchange", open);
	/* On paper everything is open. */
	window.addEventListener("beforeprint", () => claims.forEach((claim) => { claim.open = true; }));
	filter();
	open();
})();
