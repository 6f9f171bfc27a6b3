// The trainer's image without a builder: the static binary alone, as nobody in particular. Usage: trainer-image.mjs OUTPUT.tar [NAME:TAG]
// Prints reference, image id, layer digest and size as JSON.
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../setup/places.mjs';
import { packImage } from './pack-image.mjs';

const trainer = join(root, 'native', 'build', 'lethe-trainer');
const [output, reference = 'localhost/lethe-trainer:latest'] = process.argv.slice(2);
if (output === undefined || !existsSync(trainer)) {
  console.error(
    output === undefined
      ? '✘ expected the archive to write: trainer-image.mjs OUTPUT.tar [NAME:TAG]'
      : `✘ expected the trainer at ${trainer}: \`npm run setup\` builds it`,
  );
  process.exit(2);
}
const image = packImage({ reference, entrypoint: '/lethe-trainer', files: [[trainer, '/lethe-trainer']], output });
console.log(JSON.stringify({ ...image, bytes: statSync(output).size }));
