import type { StageHeartbeat } from '../temporal/stage-heartbeat.ts';
import type { AttemptReport } from './attempt-report.ts';

/** Who counts what the attempts of this worker do; must not throw. */
export interface AttemptNews {
  /** A job is about to be asked for that nobody has asked for before. */
  launches(key: string, attempt: number): void;
  /** A look at the stage's attempt, or the want of one (`unreachable`). */
  seen(key: string, said: StageHeartbeat): void;
  /** The attempt is over; without a report its watcher only let go of it. */
  over(key: string, report: AttemptReport | undefined): void;
}
