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
  if (!('BarcodeDetector' in window) || !navigator.mediaDevices) return;
  camera.classList.remove('hidden');
  document.getElementById('scan').addEventListener('click', async event => {
    const detector = new BarcodeDetector({ formats: ['qr_code'] });
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
      const [code] = await detector.detect(view).catch(() => []);
      if (!code) return setTimeout(look, 150);
      // Only an address of this registry is followed: a code that leads elsewhere is shown, not opened.
      const url = URL.canParse(code.rawValue) ? new URL(code.rawValue) : null;
      if (url && url.origin === location.origin && url.pathname.startsWith('/v/')) {
        stream.getTracks().forEach(track => track.stop());
        location.assign(url.pathname);
      } else {
        state.textContent = state.dataset.foreign + ' ' + code.rawValue.slice(0, 120);
        setTimeout(look, 1000);
      }
    };
    look();
  });
})();
