// Package health answers the kubelet's probes.
package health

import (
	"context"
	"net/http"
	"time"

	"storm/pkg/web"
)

const timeout = time.Second

// Check says what is wrong with one dependency, or nil.
type Check func(context.Context) error

type report struct {
	Status string            `json:"status"`
	Checks map[string]string `json:"checks"`
}

// Register adds GET /health (readiness: 503 while a check fails) and GET /live (liveness: this process answers; a
// dependency that is away is no reason to restart it).
func Register(mux *http.ServeMux, checks map[string]Check) {
	mux.HandleFunc("GET /live", func(w http.ResponseWriter, _ *http.Request) {
		web.JSON(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		defer cancel()
		status, answer := http.StatusOK, report{Status: "ok", Checks: map[string]string{}}
		for name, check := range checks {
			answer.Checks[name] = "ok"
			if err := check(ctx); err != nil {
				answer.Checks[name] = err.Error()
				status, answer.Status = http.StatusServiceUnavailable, "unavailable"
			}
		}
		web.JSON(w, status, answer)
	})
}
