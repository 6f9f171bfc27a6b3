export const NAMESPACE = 'lethe-test';
