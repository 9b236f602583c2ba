"""One page of everything, to be opened in a browser: `reports/index.html`."""
