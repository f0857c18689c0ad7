// A list that is verified says how far it is. Without this script the browser waits for the result as a whole.
(() => {
  const isBusy = busy => {
    const form = document.getElementById('list');
    if (!form) return;
    document.getElementById('progress').hidden = !busy;
    form.querySelectorAll('button').forEach(button => { button.disabled = busy; });
  };
  // Whoever leaves while it runs has to ask again, which is another look at everybody.
  const warn = event => event.preventDefault();
  // The page that the server wrote takes the place of this one.
  const show = html => {
    const page = new DOMParser().parseFromString(html, 'text/html'), main = document.importNode(page.querySelector('main'), true);
    document.title = page.title;
    document.querySelector('main').replaceWith(main);
    const heading = main.querySelector('h1');
    heading.tabIndex = -1;
    heading.focus();
    scrollTo(0, 0);
  };
  const said = now => {
    Object.assign(document.querySelector('#progress progress'), { max: now.total, value: now.done });
    document.getElementById('rows').textContent = `${now.done} / ${now.total}`;
  };
  async function verify(address, body) {
    const response = await fetch(address, { method: 'POST', body, headers: { accept: 'text/html' } });
    if (!response.headers.get('content-type').startsWith('application/x-ndjson')) return show(await response.text());
    addEventListener('beforeunload', warn);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = '', part = await reader.read(); !part.done; part = await reader.read()) {
      const lines = (rest + part.value).split('\n');
      rest = lines.pop();
      for (const line of lines.map(JSON.parse)) {
        if (line.page) return show(line.page);
        said(line);
      }
    }
    throw new Error('it ended before the result');
  }
  // The form may be one that came with a refusal.
  document.addEventListener('submit', event => {
    const form = event.target;
    if (form.id !== 'list' || (event.submitter && event.submitter.value === 'xlsx')) return;
    event.preventDefault();
    const body = new FormData(form);
    body.set('as', 'progress');
    document.getElementById('broken').hidden = true;
    isBusy(true);
    verify(form.action, body).catch(() => { document.getElementById('broken').hidden = false; }).finally(() => { isBusy(false); removeEventListener('beforeunload', warn); });
  });
})();
