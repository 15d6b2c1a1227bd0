import type Dockerode from 'dockerode';
import type { ContainerInfo, CreateContainer, ImageInfo, PublishedPort } from './engine.ts';

/** Between the engine's own shapes and those of engine.ts. */
export function describeContainer(container: Dockerode.ContainerInfo): ContainerInfo {
  return {
    id: container.Id,
    name: (container.Names[0] ?? container.Id).replace(/^\//, ''),
    image: container.Image,
    state: container.State as ContainerInfo['state'],
    labels: container.Labels,
    networks: Object.keys(container.NetworkSettings.Networks),
    ports: container.Ports.flatMap(describePort),
  };
}

/** Exposed ports that are not published are left out. */
function describePort({ IP, PrivatePort, PublicPort }: Dockerode.Port): PublishedPort[] {
  return PublicPort ? [{ container: PrivatePort, host: PublicPort, address: IP }] : [];
}

export function describeImage(image: Dockerode.ImageInspectInfo): ImageInfo {
  const { Entrypoint, Cmd, WorkingDir, User } = image.Config;
  return {
    id: image.Id,
    repoTags: image.RepoTags ?? [],
    repoDigests: image.RepoDigests ?? [],
    entrypoint: [Entrypoint ?? []].flat(),
    command: Cmd ?? [],
    workingDir: WorkingDir,
    user: User,
  };
}

/** The container's name is its host name too, and its alias in the network. */
export function createOptions(request: CreateContainer): Dockerode.ContainerCreateOptions {
  const { name, network, ports = [] } = request;
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const { container, host, address } of ports)
    (bindings[`${container}/tcp`] ??= []).push({ HostIp: address, HostPort: String(host) });
  return {
    name,
    Hostname: name,
    Image: request.image,
    ...(request.command && { Cmd: [...request.command] }),
    Env: [...(request.env ?? [])],
    Labels: { ...request.labels },
    ExposedPorts: Object.fromEntries(Object.keys(bindings).map((port) => [port, {}])),
    HostConfig: {
      NetworkMode: network,
      PortBindings: bindings,
      Binds: [...(request.binds ?? [])],
      Tmpfs: Object.fromEntries((request.tmpfs ?? []).map((path) => [path, ''])),
      Privileged: request.privileged ?? false,
      Init: request.init ?? false,
      RestartPolicy: { Name: request.restart ?? 'no' },
    },
    NetworkingConfig: { EndpointsConfig: { [network]: { Aliases: [name] } } },
  };
}
