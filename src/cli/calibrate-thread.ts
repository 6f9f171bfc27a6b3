import { type CalibrationOptions, calibrate } from '../statistics/calibrate.ts';
import type { CalibrationRecord } from '../statistics/calibration-record.ts';

export default function (options: CalibrationOptions): CalibrationRecord {
  return calibrate(options);
}
