// Makes the verify page better where it can: a file is dropped anywhere on its field, and a QR code is scanned with the camera.
(() => {
  const drop = document.getElementById('drop'), file = document.getElementById('file');
  for (const name of ['dragenter', 'dragover']) drop.addEventListener(name, event => { event.preventDefault(); drop.classList.add('over'); });
  for (const name of ['dragleave', 'drop']) drop.addEventListener(name, () => drop.classList.remove('over'));
  drop.addEventListener('drop', event => {
    event.preventDefault();
    if (event.dataTransfer.files.length === 0) return;
    file.files = event.dataTransfer.files;
    drop.requestSubmit();
  });

  const camera = document.getElementById('camera'), view = document.getElementById('view'), state = document.getElementById('scan-state');
  const button = document.getElementById('scan');
  // Pictures of one side, milliseconds between them, and how long somebody may look for a code.
  const FRAME = 800, PAUSE = 500, PATIENCE = 60_000;
  if (!navigator.mediaDevices) return;
  camera.classList.remove('hidden');

  // Some browsers have the detector but no service behind it.
  let detector = null;
  const withoutDetector = () => { detector = null; document.getElementById('camera-hint').textContent = camera.dataset.sent; };
  const formats = 'BarcodeDetector' in window ? BarcodeDetector.getSupportedFormats().catch(() => []) : Promise.resolve([]);
  const ready = formats.then(known => { if (known.includes('qr_code')) detector = new BarcodeDetector({ formats: ['qr_code'] }); else withoutDetector(); });

  // A browser that cannot read codes asks the registry what a small picture says.
  const canvas = document.createElement('canvas');
  const picture = async () => {
    const scale = Math.min(1, FRAME / Math.max(view.videoWidth, view.videoHeight));
    [canvas.width, canvas.height] = [view.videoWidth * scale, view.videoHeight * scale];
    canvas.getContext('2d').drawImage(view, 0, 0, canvas.width, canvas.height);
    return new Promise((done, fail) => canvas.toBlob(blob => blob ? done(blob) : fail(new Error('no picture')), 'image/jpeg', 0.8));
  };
  const ask = async blob => {
    const form = new FormData();
    form.append('file', blob, 'frame.jpg');
    const response = await fetch('/verify/frame', { method: 'POST', body: form, signal: AbortSignal.timeout(10_000) });
    // Others are looked at first: the next picture may have its turn.
    if (response.status === 503) return undefined;
    if (!response.ok) throw new Error(`status ${response.status}`);
    return response.status === 200 ? response.text() : undefined;
  };

  const say = (text, isBad = false) => { state.textContent = text; state.className = isBad ? 'notice bad' : 'quiet'; };
  let stream = null;
  const stop = text => {
    stream?.getTracks().forEach(track => track.stop());
    stream = view.srcObject = null;
    view.classList.add('hidden');
    button.classList.remove('hidden');
    say(text);
  };
  document.addEventListener('visibilitychange', () => { if (document.hidden && stream) stop(''); });

  button.addEventListener('click', async () => {
    // At once, so that a second click asks for no second camera.
    button.classList.add('hidden');
    await ready;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
    } catch {
      return stop(state.dataset.failed);
    }
    view.classList.remove('hidden');
    view.srcObject = stream;
    say(state.dataset.looking);
    // Whoever stops at once has no picture.
    await view.play().catch(() => {});
    for (const begun = Date.now(), mine = stream; stream === mine;) {
      let text, fault = state.dataset.failed;
      try {
        if (detector) {
          text = (await detector.detect(view))[0]?.rawValue;
        } else {
          const blob = await picture();
          fault = state.dataset.unanswered;
          text = await ask(blob);
        }
      } catch {
        // Of a camera that was stopped meanwhile nothing is said.
        if (stream !== mine) return;
        // A detector that fails is none: who scans is told so before a picture leaves the device.
        if (!detector) return stop(fault);
        withoutDetector();
        return stop('');
      }
      if (stream !== mine) return;
      // Only an address of this registry is followed: a code that leads elsewhere is shown, not opened.
      const url = text && URL.canParse(text) ? new URL(text) : null;
      if (url && url.origin === location.origin && url.pathname.startsWith('/v/')) {
        stop('');
        return location.assign(url.pathname);
      }
      if (text) say(state.dataset.foreign + ' ' + text.slice(0, 120), true);
      if (Date.now() - begun > PATIENCE) return stop(state.dataset.nothing);
      await new Promise(go => setTimeout(go, detector ? PAUSE / 3 : PAUSE));
    }
  });
})();
