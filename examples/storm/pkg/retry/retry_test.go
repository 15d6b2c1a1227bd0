package retry

import (
	"context"
	"errors"
	"testing"
)

func TestUntilTriesAgainAfterAFailure(t *testing.T) {
	calls := 0
	err := Until(t.Context(), "dependency", func(context.Context) error {
		calls++
		if calls == 1 {
			return errors.New("not yet")
		}
		return nil
	})
	if err != nil || calls != 2 {
		t.Fatalf("got %v after %d calls, want no error after 2", err, calls)
	}
}

func TestUntilEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	err := Until(ctx, "dependency", func(context.Context) error {
		cancel()
		return errors.New("never")
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want the context's error", err)
	}
}
