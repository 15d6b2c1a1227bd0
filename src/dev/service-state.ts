/** Why an image is to be built, and when the save that asked for it happened (`performance.now()`). */
export interface Work {
  readonly because: string;
  readonly savedAt: number;
}

/** Where one service stands between a save and the image that holds it. */
export type ServiceState =
  | { readonly kind: 'idle' }
  | {
      readonly kind: 'building';
      readonly work: Work;
      /** How many builds in a row were aborted for a newer save, this one included once it is. */
      readonly aborted: number;
      readonly aborting: boolean;
      /** What has to be built after this: its inputs are newer than those of the build under way. */
      readonly next: Work | undefined;
    };

export type ServiceEvent =
  | { readonly type: 'rebuild'; readonly work: Work }
  /** The build under way ended by itself, well or badly. */
  | { readonly type: 'ended' }
  | { readonly type: 'aborted' };

export type ServiceStep = {
  readonly state: ServiceState;
  readonly action:
    | { readonly type: 'none' }
    | { readonly type: 'abort' }
    | { readonly type: 'start'; readonly work: Work };
};

/** A build that newer saves keep aborting would never end: after this many in a row one runs to its end. */
const mostAborts = 2;

const none = { type: 'none' } as const;

/** One build in flight per service; a newer save aborts it, and never starves it. Pure. */
export function stepService(state: ServiceState, event: ServiceEvent): ServiceStep {
  switch (event.type) {
    case 'rebuild':
      return state.kind === 'idle' ? start(event.work, 0) : supersede(state, event.work);
    case 'ended':
      if (state.kind === 'idle' || !state.next) return { state: { kind: 'idle' }, action: none };
      return start(state.next, 0);
    case 'aborted':
      if (state.kind === 'idle') return { state, action: none };
      return start(state.next ?? state.work, state.aborted);
  }
}

function start(work: Work, aborted: number): ServiceStep {
  return {
    state: { kind: 'building', work, aborted, aborting: false, next: undefined },
    action: { type: 'start', work },
  };
}

function supersede(state: Extract<ServiceState, { kind: 'building' }>, work: Work): ServiceStep {
  // What is measured is the wait of the oldest save that is not served yet.
  const next = { because: work.because, savedAt: Math.min(work.savedAt, state.next?.savedAt ?? work.savedAt) };
  if (state.aborting || state.aborted >= mostAborts) return { state: { ...state, next }, action: none };
  return { state: { ...state, next, aborting: true, aborted: state.aborted + 1 }, action: { type: 'abort' } };
}
