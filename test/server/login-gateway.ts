import { readFileSync } from 'node:fs';
import { connect as connectHttp2, constants, createSecureServer, type IncomingHttpHeaders } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';

const PERMISSION_DENIED = '7';
const UNAUTHENTICATED = '16';
const UNIMPLEMENTED = '12';

export const CERTIFICATES = join(import.meta.dirname, '..', 'fixtures', 'tls');

/**
 * TLS and logins before a development server, which has neither: what a managed Temporal asks of its clients. Requests without the key are refused, and so is
 * whatever only an operator may do.
 */
export async function startLoginGateway(
  target: string,
  asks: { readonly apiKey?: string; readonly clientCertificate?: boolean },
): Promise<{ readonly address: string; close(): Promise<void> }> {
  const upstream = connectHttp2(`http://${target}`);
  const read = (name: string) => readFileSync(join(CERTIFICATES, name));
  const sockets = new Set<Socket>();
  const gateway = createSecureServer({
    key: read('server-key.pem'),
    cert: read('server.pem'),
    ...(asks.clientCertificate && { requestCert: true, rejectUnauthorized: true, ca: read('authority.pem') }),
  });
  gateway.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  gateway.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    const refusal = refusalOf(headers, asks.apiKey);
    if (refusal !== undefined) {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...refusal }, { endStream: true });
      return;
    }
    const { [constants.HTTP2_HEADER_HOST]: _, ...forwarded } = headers;
    const request = upstream.request({ ...forwarded, ':authority': target, ':scheme': 'http' });
    request.on('error', () => stream.close());
    let trailers: IncomingHttpHeaders = {};
    request.on('trailers', (came) => {
      trailers = came;
    });
    request.on('response', (answer, flags) => {
      const ended = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
      stream.respond(answer, { endStream: ended, waitForTrailers: !ended });
      if (ended) return;
      stream.on('wantTrailers', () => stream.sendTrailers(trailers));
      request.pipe(stream);
    });
    stream.pipe(request);
    stream.on('close', () => request.close());
  });
  await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(gateway.address() as AddressInfo).port}`,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      upstream.destroy();
      await new Promise((resolve) => gateway.close(resolve));
    },
  };
}

function refusalOf(headers: IncomingHttpHeaders, apiKey: string | undefined): Record<string, string> | undefined {
  if (apiKey !== undefined && headers.authorization !== `Bearer ${apiKey}`)
    return { 'grpc-status': UNAUTHENTICATED, 'grpc-message': 'no key' };
  const call = String(headers[':path']);
  if (call.includes('.OperatorService/')) return { 'grpc-status': UNIMPLEMENTED, 'grpc-message': 'no operator here' };
  if (call.endsWith('/RegisterNamespace'))
    return { 'grpc-status': PERMISSION_DENIED, 'grpc-message': 'namespaces are made elsewhere' };
  return undefined;
}
