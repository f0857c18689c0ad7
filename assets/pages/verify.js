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
  if (!navigator.mediaDevices) return;
  camera.classList.remove('hidden');
  const detector = 'BarcodeDetector' in window ? new BarcodeDetector({ formats: ['qr_code'] }) : null;
  if (!detector) document.getElementById('camera-hint').textContent = camera.dataset.sent;

  // What the code before the camera says; a browser that cannot read codes asks the registry about a small picture.
  const FRAME = 800;
  const canvas = document.createElement('canvas');
  const read = async () => {
    if (detector) return (await detector.detect(view))[0]?.rawValue;
    const scale = Math.min(1, FRAME / Math.max(view.videoWidth, view.videoHeight));
    [canvas.width, canvas.height] = [view.videoWidth * scale, view.videoHeight * scale];
    canvas.getContext('2d').drawImage(view, 0, 0, canvas.width, canvas.height);
    const form = new FormData();
    form.append('file', await new Promise(done => canvas.toBlob(done, 'image/jpeg', 0.8)), 'frame.jpg');
    const response = await fetch('/verify/frame', { method: 'POST', body: form });
    return response.status === 200 ? response.text() : undefined;
  };

  document.getElementById('scan').addEventListener('click', async event => {
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
    } catch {
      state.textContent = state.dataset.failed;
      return;
    }
    event.target.classList.add('hidden');
    view.classList.remove('hidden');
    view.srcObject = stream;
    state.textContent = state.dataset.looking;
    await view.play();
    const look = async () => {
      const text = await read().catch(() => undefined);
      if (!text) return setTimeout(look, detector ? 150 : 500);
      // Only an address of this registry is followed: a code that leads elsewhere is shown, not opened.
      const url = URL.canParse(text) ? new URL(text) : null;
      if (url && url.origin === location.origin && url.pathname.startsWith('/v/')) {
        stream.getTracks().forEach(track => track.stop());
        location.assign(url.pathname);
      } else {
        state.className = 'notice bad';
        state.textContent = state.dataset.foreign + ' ' + text.slice(0, 120);
        setTimeout(look, 1000);
      }
    };
    look();
  });
})();
