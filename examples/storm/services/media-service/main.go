// media-service keeps files in MinIO.
package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"

	"github.com/minio/minio-go/v7"

	"storm/pkg/env"
	"storm/pkg/health"
	"storm/pkg/web"
)

const maxBytes = 32 << 20

func main() {
	ctx, stop := web.Start("media-service")
	defer stop()
	if err := run(ctx); err != nil {
		slog.Error("media-service ended", "error", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	files, err := newStorage(
		env.Get("MINIO_ENDPOINT", "localhost:9000"),
		env.Get("MINIO_ROOT_USER", "minioadmin"),
		env.Get("MINIO_ROOT_PASSWORD", "minioadmin"),
		env.Get("MINIO_BUCKET", "media"),
	)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	health.Register(mux, map[string]health.Check{"minio": files.healthy})
	mux.HandleFunc("GET /media", files.serveStatus)
	mux.HandleFunc("PUT /media/{name}", files.servePut)
	mux.HandleFunc("GET /media/{name}", files.serveGet)
	return web.Serve(ctx, env.Get("ADDRESS", ":8080"), mux)
}

// serveStatus says how MinIO is: its own health, and whether it keeps files.
func (s *storage) serveStatus(w http.ResponseWriter, r *http.Request) {
	answer := map[string]string{"minio": "healthy", "storage": "ready"}
	status := http.StatusOK
	if err := s.healthy(r.Context()); err != nil {
		answer["minio"], status = err.Error(), http.StatusServiceUnavailable
	}
	if err := s.ensureBucket(r.Context()); err != nil {
		answer["storage"] = err.Error()
	}
	web.JSON(w, status, answer)
}

func (s *storage) servePut(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength < 0 {
		web.Fail(w, http.StatusLengthRequired, "the length of the file must be given", nil)
		return
	}
	if r.ContentLength > maxBytes {
		web.Fail(w, http.StatusRequestEntityTooLarge, "the file is larger than 32 MiB", nil)
		return
	}
	name := r.PathValue("name")
	if err := s.put(r.Context(), name, r.Header.Get("Content-Type"), r.Body, r.ContentLength); err != nil {
		failStorage(w, err)
		return
	}
	web.JSON(w, http.StatusCreated, map[string]any{"name": name, "bytes": r.ContentLength})
}

func (s *storage) serveGet(w http.ResponseWriter, r *http.Request) {
	file, info, err := s.get(r.Context(), r.PathValue("name"))
	if err != nil {
		failStorage(w, err)
		return
	}
	defer file.Close()
	w.Header().Set("Content-Type", info.ContentType)
	if _, err := io.Copy(w, file); err != nil {
		slog.Warn("file not sent to its end", "name", info.Key, "error", err)
	}
}

func failStorage(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, errNoStorage):
		web.Fail(w, http.StatusNotImplemented, errNoStorage.Error(), nil)
	case minio.ToErrorResponse(err).Code == minio.NoSuchKey:
		web.Fail(w, http.StatusNotFound, "no such file", nil)
	default:
		web.Fail(w, http.StatusServiceUnavailable, "MinIO does not answer as it should", err)
	}
}
