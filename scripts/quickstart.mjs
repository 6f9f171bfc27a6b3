// Set-up, then the main job: the quickstart sweep to its verdict. Arguments behind `--` go to `lethe run`, except --yes.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { root } from './setup/places.mjs';
import { setUp, withSetupProblems } from './setup.mjs';

await withSetupProblems(async () => {
  const args = process.argv.slice(2);
  await setUp({ yes: args.includes('--yes') });
  const rest = args.filter((argument) => argument !== '--yes');
  const sweep = join(root, 'configs', 'sweeps', 'quickstart.yaml');
  const child = spawn(process.execPath, [join(root, 'bin', 'lethe'), 'run', sweep, ...rest], {
    stdio: 'inherit',
    cwd: root,
  });
  // Ctrl-C reaches the whole foreground group: the child decides what it means, this parent only waits.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => signal === 'SIGTERM' && child.kill(signal));
  process.exitCode = await new Promise((resolve) =>
    child.on('close', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1))),
  );
});
