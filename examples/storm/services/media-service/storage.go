package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// Some stand-ins for MinIO answer its health checks and nothing else.
var errNoStorage = errors.New("storage is not there: what answers for MinIO does not keep files")

type storage struct {
	client *minio.Client
	bucket string
	made   atomic.Bool
}

func newStorage(endpoint, user, password, bucket string) (*storage, error) {
	// With the region given, the client doesn't ask for it first.
	client, err := minio.New(endpoint, &minio.Options{
		Creds:      credentials.NewStaticV4(user, password, ""),
		Region:     "us-east-1",
		MaxRetries: 1,
	})
	if err != nil {
		return nil, err
	}
	return &storage{client: client, bucket: bucket}, nil
}

// healthy asks MinIO's own liveness endpoint.
func (s *storage) healthy(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.client.EndpointURL().String()+"/minio/health/live", nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("MinIO's health check answers %s", answer.Status)
	}
	return nil
}

// ensureBucket makes the bucket with the first file that needs it.
func (s *storage) ensureBucket(ctx context.Context) error {
	if s.made.Load() {
		return nil
	}
	exists, err := s.client.BucketExists(ctx, s.bucket)
	if err == nil && !exists {
		err = s.client.MakeBucket(ctx, s.bucket, minio.MakeBucketOptions{})
	}
	switch answer := minio.ToErrorResponse(err); {
	case err == nil, answer.Code == minio.BucketAlreadyOwnedByYou:
		s.made.Store(true)
		return nil
	case answer.StatusCode != 0 && answer.RequestID == "":
		// MinIO, as every S3 server, gives each answer an id. This one came from something else.
		return errNoStorage
	}
	return err
}

func (s *storage) put(ctx context.Context, name, contentType string, file io.Reader, bytes int64) error {
	if err := s.ensureBucket(ctx); err != nil {
		return err
	}
	_, err := s.client.PutObject(ctx, s.bucket, name, file, bytes, minio.PutObjectOptions{ContentType: contentType})
	return err
}

func (s *storage) get(ctx context.Context, name string) (io.ReadCloser, minio.ObjectInfo, error) {
	if err := s.ensureBucket(ctx); err != nil {
		return nil, minio.ObjectInfo{}, err
	}
	object, err := s.client.GetObject(ctx, s.bucket, name, minio.GetObjectOptions{})
	if err != nil {
		return nil, minio.ObjectInfo{}, err
	}
	// GetObject itself asks nothing yet; this is where a missing file shows.
	info, err := object.Stat()
	if err != nil {
		object.Close()
		return nil, minio.ObjectInfo{}, err
	}
	return object, info, nil
}
