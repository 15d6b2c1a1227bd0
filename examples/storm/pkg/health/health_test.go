package health

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestHealthFailsWithItsDependencyAndLiveDoesNot(t *testing.T) {
	var broken error
	mux := http.NewServeMux()
	Register(mux, map[string]Check{"database": func(context.Context) error { return broken }})
	status := func(path string) int {
		answer := httptest.NewRecorder()
		mux.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
		return answer.Code
	}
	if got := status("/health"); got != http.StatusOK {
		t.Errorf("/health answers %d while all is well, want 200", got)
	}
	broken = errors.New("gone")
	if got := status("/health"); got != http.StatusServiceUnavailable {
		t.Errorf("/health answers %d while the database is gone, want 503", got)
	}
	if got := status("/live"); got != http.StatusOK {
		t.Errorf("/live answers %d while the database is gone, want 200", got)
	}
}
