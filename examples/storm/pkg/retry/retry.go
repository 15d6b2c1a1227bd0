// Package retry waits for things that other pods provide and that may start later than this one.
package retry

import (
	"context"
	"log/slog"
	"time"
)

const (
	firstWait = 250 * time.Millisecond
	maxWait   = 2 * time.Second
)

// Until calls try until it succeeds, logging each failure. Its only error is the context's.
func Until(ctx context.Context, what string, try func(context.Context) error) error {
	for wait := firstWait; ; wait = min(2*wait, maxWait) {
		err := try(ctx)
		if err == nil {
			slog.Info(what + ": ready")
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		slog.Warn(what+": not ready, trying again", "error", err, "wait", wait.String())
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}
