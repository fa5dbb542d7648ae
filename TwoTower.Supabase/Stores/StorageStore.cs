using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Polly;
using TwoTower.Core;
using TwoTower.Supabase.Http;

namespace TwoTower.Supabase.Stores;

/// <summary>
/// A bucket of Supabase Storage. Its errors are status 400 and say in the body what they are. Files have <c>max-age=0</c>: they are found
/// by their names, and a name's content changes.
/// </summary>
internal sealed class StorageStore(SupabaseClient client, string bucket) : ArtifactStore
{
    public override string Name => $"bucket {bucket} of {client.Project.Name}";

    protected override ResiliencePipeline Reading => client.Reading;

    protected override TimeSpan Silence => client.Patience.Silence;

    public override async Task PrepareAsync(Action<string> say, CancellationToken ct)
    {
        using var response = await client.SendAsync(HttpMethod.Get, $"/storage/v1/bucket/{Uri.EscapeDataString(bucket)}", null, null, ct);
        if (response.IsSuccessStatusCode) return;
        var error = await RemoteError.ReadAsync(response, ct);
        if (error.Status != 404) throw Explain(error, bucket);
        using var made = await client.SendAsync(
            HttpMethod.Post, "/storage/v1/bucket", null, JsonContent.Create(new { id = bucket, name = bucket, @public = false }), ct);
        var refused = made.IsSuccessStatusCode ? null : await RemoteError.ReadAsync(made, ct);
        if (refused is { Status: not 409 }) throw Explain(refused, bucket);
        say($"made the private bucket {bucket} in {client.Project.Name}");
    }

    public override async Task<Stream?> OpenAsync(string name, CancellationToken ct)
    {
        var response = await client.StreamAsync(PathOf(name), ct);
        if (response.IsSuccessStatusCode) return new AnswerStream(await response.Content.ReadAsStreamAsync(ct), response);
        using (response)
        {
            var error = await RemoteError.ReadAsync(response, ct);
            return IsAbsent(error) ? null : throw Explain(error, name);
        }
    }

    public override async Task<StoredTag?> TagAsync(string name, CancellationToken ct)
    {
        using var response = await client.SendAsync(HttpMethod.Head, PathOf(name), null, null, ct);
        if (response.IsSuccessStatusCode) return TagOf(response);
        if (response.StatusCode is not (HttpStatusCode.BadRequest or HttpStatusCode.NotFound))
        {
            throw Explain(await RemoteError.ReadAsync(response, ct), name);
        }

        // The body that tells a file that isn't there from a refusal, or from a fault that passes, doesn't come with HEAD.
        using var whole = await client.StreamAsync(PathOf(name), ct);
        if (whole.IsSuccessStatusCode) return TagOf(whole);
        var error = await RemoteError.ReadAsync(whole, ct);
        return IsAbsent(error) ? null : throw Explain(error, name);
    }

    public override async Task<IReadOnlyList<string>> FoldersAsync(string folder, CancellationToken ct)
    {
        var entries = await client.SendAsync(
            HttpMethod.Post, $"/storage/v1/object/list/{Uri.EscapeDataString(bucket)}", null, JsonContent.Create(new { prefix = folder, limit = 1000 }), ct);
        using (entries)
        {
            if (!entries.IsSuccessStatusCode) throw Explain(await RemoteError.ReadAsync(entries, ct), bucket);

            // A folder is an entry without an id.
            return [.. (await client.ReadJsonAsync(entries, ct)).EnumerateArray()
                .Where(entry => entry.GetProperty("id").ValueKind == JsonValueKind.Null)
                .Select(entry => entry.GetProperty("name").GetString()!)];
        }
    }

    public override async Task WriteAsync(string name, string path, CancellationToken ct)
    {
        using var content = new FileContent(path) { Headers = { ContentType = new MediaTypeHeaderValue(TypeOf(name)) } };
        using var response = await client.SendAsync(HttpMethod.Post, PathOf(name), [("x-upsert", "true"), ("cache-control", "max-age=0")], content, ct);
        if (!response.IsSuccessStatusCode) throw Explain(await RemoteError.ReadAsync(response, ct), name);
    }

    public override async Task<bool> CopyAsync(string from, string to, CancellationToken ct)
    {
        using var response = await client.SendAsync(
            HttpMethod.Post, "/storage/v1/object/copy", [("x-upsert", "true")],
            JsonContent.Create(new { bucketId = bucket, sourceKey = from, destinationKey = to }), ct);
        if (response.IsSuccessStatusCode) return true;
        var error = await RemoteError.ReadAsync(response, ct);
        return IsAbsent(error) ? false : throw Explain(error, to);
    }

    public override async Task DeleteAsync(string name, CancellationToken ct)
    {
        using var response = await client.SendAsync(
            HttpMethod.Delete, $"/storage/v1/object/{Uri.EscapeDataString(bucket)}", null, JsonContent.Create(new { prefixes = new[] { name } }), ct);
        if (!response.IsSuccessStatusCode) throw Explain(await RemoteError.ReadAsync(response, ct), name);
    }

    public override void Dispose()
    {
        client.Dispose();
        base.Dispose();
    }

    private string PathOf(string name) => $"/storage/v1/object/{Uri.EscapeDataString(bucket)}/{string.Join('/', name.Split('/').Select(Uri.EscapeDataString))}";

    private static StoredTag TagOf(HttpResponseMessage response) =>
        new(response.Headers.ETag?.Tag ?? "", response.Content.Headers.ContentLength ?? 0);

    private static bool IsAbsent(RemoteError error) => error is { Status: 404, Code: not "NoSuchBucket" };

    private Exception Explain(RemoteError error, string name) => error.Status switch
    {
        413 => new InputException($"{client.Project.Name} takes no file as large as {name}: raise the limit in the project's settings (Storage), or publish to an S3-compatible store or a folder."),
        404 when error.Code is "NoSuchBucket" => new InputException($"{client.Project.Name} has no bucket {bucket}: make it, or name another with --bucket."),
        _ => client.Explain(error, name),
    };

    // Sent again, it is read again.
    private sealed class FileContent(string path) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, useAsync: true);
            await file.CopyToAsync(stream);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = new FileInfo(path).Length;
            return true;
        }
    }

    // Closes the answer with its body.
    private sealed class AnswerStream(Stream inner, HttpResponseMessage response) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => inner.Length;

        public override long Position { get => inner.Position; set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            inner.ReadAsync(buffer, cancellationToken);

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush()
        {
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing) response.Dispose();
            base.Dispose(disposing);
        }
    }
}
