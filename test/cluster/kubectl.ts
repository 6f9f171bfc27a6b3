import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { ClusterParts } from './cluster-parts.ts';

/** Runs kubectl as administrator of the cluster in `folder`; resolves to its standard output, rejects with what it said. */
export function kubectl(parts: ClusterParts, folder: string, args: readonly string[], input?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(join(parts.kubernetes, 'kubectl'), args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      // Its cache would otherwise lie in the user's home.
      env: { PATH: process.env.PATH, KUBECONFIG: join(folder, 'kubeconfig'), KUBECACHEDIR: join(folder, 'kubectl') },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0
        ? resolve(stdout)
        : reject(new Error(`kubectl ${args.join(' ')} ended with ${code}: ${stderr.trim()}`)),
    );
    child.stdin.on('error', () => undefined);
    child.stdin.end(input ?? '');
  });
}
