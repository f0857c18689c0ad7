// Follows a job: the bar moves while it runs, and the page is loaded anew when it has ended.
(() => {
  const job = document.getElementById('job');
  if (!['queued', 'running'].includes(job.dataset.state)) return;
  const follow = async () => {
    const now = await (await fetch(job.dataset.progress, { headers: { accept: 'application/json' } })).json();
    document.getElementById('job-done').textContent = now.done;
    document.getElementById('job-total').textContent = now.total;
    Object.assign(document.getElementById('job-bar'), { max: Math.max(now.total, 1), value: now.done });
    if (['queued', 'running'].includes(now.state)) setTimeout(() => follow().catch(retry), 700);
    else location.reload();
  };
  // The network may come back.
  const retry = () => setTimeout(() => follow().catch(retry), 3000);
  follow().catch(retry);
})();
