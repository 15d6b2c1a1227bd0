// message-service takes messages off the stream, stores them in postgres-message and answers them.
package main

import (
	"context"
	"log/slog"
	"net/http"
	"os"

	"storm/pkg/env"
	"storm/pkg/health"
	"storm/pkg/messages"
	"storm/pkg/retry"
	"storm/pkg/web"
)

func main() {
	ctx, stop := web.Start("message-service")
	defer stop()
	if err := run(ctx); err != nil {
		slog.Error("message-service ended", "error", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	store, err := newStore(ctx)
	if err != nil {
		return err
	}
	defer store.close()
	conn, js, err := messages.Connect(ctx, env.Get("NATS_URL", "nats://localhost:4222"), "message-service")
	if err != nil {
		return err
	}
	defer conn.Close()

	consuming := make(chan struct{})
	go func() {
		defer close(consuming)
		if retry.Until(ctx, "table messages", store.prepare) == nil {
			consume(ctx, js, store)
		}
	}()

	mux := http.NewServeMux()
	health.Register(mux, map[string]health.Check{"nats": messages.Reachable(js), "postgres-message": store.check})
	mux.HandleFunc("GET /messages", func(w http.ResponseWriter, r *http.Request) {
		latest, err := store.latest(r.Context())
		if err != nil {
			web.Fail(w, http.StatusServiceUnavailable, "the messages could not be read", err)
			return
		}
		web.JSON(w, http.StatusOK, latest)
	})
	err = web.Serve(ctx, env.Get("ADDRESS", ":8080"), mux)
	<-consuming
	return err
}
