using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace TwoTower.Testing;

/// <summary>A file in a bucket.</summary>
internal sealed record StoredObject(
    byte[] Content, string ContentType, string CacheControl, DateTimeOffset Created, DateTimeOffset Updated, Guid Id, Guid Version)
{
    [SuppressMessage("Security", "CA5351", Justification = "The tag of S3 is an MD5; nobody trusts it.")]
    public string Tag => $"\"{Convert.ToHexStringLower(MD5.HashData(Content))}\"";
}

/// <summary>Supabase Storage's answers over buckets in memory. service_role alone gets in: what is published is private.</summary>
public sealed class StorageApi
{
    private const int MostBytes = 50 * 1024 * 1024;
    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly ConcurrentDictionary<string, ConcurrentDictionary<string, StoredObject>> _buckets = new();
    private readonly ConcurrentDictionary<string, DateTimeOffset> _made = new();

    /// <summary>Makes a bucket.</summary>
    public void Make(string bucket) => (_buckets[bucket], _made[bucket]) = (new(), DateTimeOffset.UtcNow);

    /// <summary>Names of a bucket's files, sorted.</summary>
    public IReadOnlyList<string> Names(string bucket) => [.. _buckets[bucket].Keys.Order(StringComparer.Ordinal)];

    /// <summary>The content of a file.</summary>
    public byte[] Read(string bucket, string name) => _buckets[bucket][name].Content;

    /// <summary>What a file is answered with as Cache-Control.</summary>
    public string CacheControl(string bucket, string name) => _buckets[bucket][name].CacheControl;

    /// <summary>Changes a file behind everybody's back.</summary>
    public void Damage(string bucket, string name, byte[] content) =>
        _buckets[bucket][name] = _buckets[bucket][name] with { Content = content };

    internal async Task AnswerAsync(HttpContext context, string path)
    {
        var (request, response) = (context.Request, context.Response);
        var caller = SupabaseTokens.Read(request);
        var parts = path.TrimStart('/').Split('/', 3);
        var named = Uri.UnescapeDataString(parts.Length > 2 ? parts[2] : "");
        try
        {
            if (caller.Code is not null) throw Fault("403", "Unauthorized", "Invalid Compact JWS", "AccessDenied");
            var isNobody = request.Headers.Authorization.Count == 0 && request.Headers["apikey"].Count == 0;
            object? answer = (request.Method, parts) switch
            {
                ("POST", ["bucket"]) => CreateBucket(await JsonAsync(request), caller),
                ("GET", ["bucket", var id]) => Bucket(id),
                ("POST", ["bucket", var id, "empty"]) => Empty(id),
                ("DELETE", ["bucket", var id]) => DeleteBucket(id),
                ("POST", ["object", "copy"]) => Copy(await JsonAsync(request), request, isMove: false),
                ("POST", ["object", "move"]) => Copy(await JsonAsync(request), request, isMove: true),
                ("POST", ["object", "list", var bucket]) => List(Objects(bucket), await JsonAsync(request)),
                ("DELETE", ["object", var bucket]) => Delete(bucket, await JsonAsync(request)),
                ("POST" or "PUT", ["object", var bucket, _]) => await UploadAsync(request, bucket, named, caller),
                ("GET" or "HEAD", ["object", var bucket, _]) => Download(bucket, named, caller, isNobody),
                _ => throw Fault("404", "not_found", $"Route {request.Method}:{path} not found", "NotFound"),
            };
            if (answer is StoredObject file) await SendAsync(request, response, file);
            else await WriteAsync(request, response, 200, JsonSerializer.Serialize(answer, Relaxed));
        }
        catch (StorageException error)
        {
            await WriteAsync(request, response, 400, JsonSerializer.Serialize(new
            {
                statusCode = error.Status,
                error = error.Error,
                message = error.Message,
                code = error.Code
            }, Relaxed));
        }
    }

    private object CreateBucket(JsonElement body, Caller caller)
    {
        if (caller.Role != "service_role") throw Fault("403", "Unauthorized", "new row violates row-level security policy", "AccessDenied");
        var id = body.GetProperty("id").GetString()!;
        if (!_buckets.TryAdd(id, new())) throw Fault("409", "Duplicate", "The resource already exists", "BucketAlreadyExists");
        _made[id] = DateTimeOffset.UtcNow;
        return new { name = id };
    }

    private object Bucket(string id)
    {
        Objects(id);
        var made = Time(_made[id]);
        return new { id, name = id, owner = "", @public = false, file_size_limit = (long?)null, allowed_mime_types = (string[]?)null, created_at = made, updated_at = made };
    }

    private object Empty(string id)
    {
        Objects(id).Clear();
        return new { message = "Empty bucket has been queued. Completion may take up to an hour." };
    }

    private object DeleteBucket(string id)
    {
        Objects(id);
        _buckets.TryRemove(id, out _);
        return new { message = "Successfully deleted" };
    }

    private async Task<object> UploadAsync(HttpRequest request, string bucket, string name, Caller caller)
    {
        using var content = new MemoryStream();
        await request.Body.CopyToAsync(content);
        var objects = Objects(bucket);
        if (caller.Role != "service_role") throw Fault("403", "Unauthorized", "new row violates row-level security policy", "AccessDenied");
        CheckKey(name);
        if (content.Length > MostBytes) throw Fault("413", "Payload too large", "The object exceeded the maximum allowed size", "EntityTooLarge");
        var now = DateTimeOffset.UtcNow;
        var there = objects.GetValueOrDefault(name);
        if (there is not null && request.Method == "POST" && request.Headers["x-upsert"] != "true") throw Duplicate();
        var file = new StoredObject(
            content.ToArray(), request.ContentType ?? "application/octet-stream",
            request.Headers.CacheControl.ToString() is { Length: > 0 } cache ? cache : "no-cache",
            there?.Created ?? now, now, there?.Id ?? Guid.NewGuid(), Guid.NewGuid());
        objects[name] = file;
        return new { Key = $"{bucket}/{name}", file.Id };
    }

    private StoredObject Download(string bucket, string name, Caller caller, bool isNobody)
    {
        if (isNobody) throw NoBucket();
        var objects = Objects(bucket);
        return caller.Role == "service_role" && objects.TryGetValue(name, out var file) ? file : throw Fault("404", "not_found", "Object not found", "NoSuchKey");
    }

    private Dictionary<string, object?> Copy(JsonElement body, HttpRequest request, bool isMove)
    {
        var bucket = body.GetProperty("bucketId").GetString()!;
        var objects = Objects(bucket);
        var (from, to) = (body.GetProperty("sourceKey").GetString()!, body.GetProperty("destinationKey").GetString()!);
        CheckKey(to);
        if (!objects.TryGetValue(from, out var source)) throw Fault("404", "not_found", "Object not found", "NoSuchKey");
        var there = objects.GetValueOrDefault(to);
        if (there is not null && (isMove || request.Headers["x-upsert"] != "true")) throw Duplicate();
        var now = DateTimeOffset.UtcNow;
        var file = source with
        {
            Created = there?.Created ?? now,
            Updated = now,
            Id = there?.Id ?? (isMove ? source.Id : Guid.NewGuid()),
            Version = Guid.NewGuid()
        };
        objects[to] = file;
        if (isMove)
        {
            objects.TryRemove(from, out _);
            return new() { ["message"] = "Successfully moved" };
        }

        return new()
        {
            ["Key"] = $"{bucket}/{to}",
            ["Id"] = file.Id,
            ["name"] = to,
            ["bucket_id"] = bucket,
            ["owner"] = "",
            ["owner_id"] = "",
            ["version"] = file.Version,
            ["id"] = file.Id,
            ["updated_at"] = Time(file.Updated),
            ["created_at"] = Time(file.Created),
            ["last_accessed_at"] = Time(file.Created),
            ["metadata"] = Metadata(file),
            ["user_metadata"] = null,
        };
    }

    private static object[] List(ConcurrentDictionary<string, StoredObject> objects, JsonElement body)
    {
        var prefix = body.TryGetProperty("prefix", out var given) ? given.GetString()!.Trim('/') : "";
        var limit = body.TryGetProperty("limit", out var most) ? most.GetInt32() : 100;
        var offset = body.TryGetProperty("offset", out var first) ? first.GetInt32() : 0;
        var below = prefix.Length == 0 ? "" : prefix + "/";
        return objects.Where(pair => pair.Key.StartsWith(below, StringComparison.Ordinal))
            .Select(pair => (Name: pair.Key[below.Length..], pair.Value))
            .GroupBy(pair => pair.Name.Split('/')[0]).OrderBy(group => group.Key, StringComparer.Ordinal).Skip(offset).Take(limit)
            .Select(group => group.First() is var (name, file) && name == group.Key
                ? (object)new
                {
                    name,
                    id = file.Id,
                    updated_at = Time(file.Updated),
                    created_at = Time(file.Created),
                    last_accessed_at = Time(file.Created),
                    metadata = Metadata(file)
                }
                : new
                {
                    name = group.Key,
                    id = (string?)null,
                    updated_at = (string?)null,
                    created_at = (string?)null,
                    last_accessed_at = (string?)null,
                    metadata = (object?)null
                })
            .ToArray();
    }

    private object[] Delete(string bucket, JsonElement body)
    {
        var objects = Objects(bucket);
        return body.GetProperty("prefixes").EnumerateArray().Select(name => name.GetString()!)
            .Select(name => objects.TryRemove(name, out var file)
                ? new
                {
                    name,
                    bucket_id = bucket,
                    owner = "",
                    owner_id = "",
                    version = file.Version,
                    id = file.Id,
                    updated_at = Time(file.Updated),
                    created_at = Time(file.Created),
                    last_accessed_at = Time(file.Created),
                    metadata = Metadata(file),
                    user_metadata = (object?)null,
                }
                : (object?)null)
            .OfType<object>().ToArray();
    }

    private ConcurrentDictionary<string, StoredObject> Objects(string bucket) =>
        _buckets.TryGetValue(bucket, out var objects) ? objects : throw NoBucket();

    private static object Metadata(StoredObject file) => new
    {
        eTag = file.Tag,
        size = file.Content.Length,
        mimetype = file.ContentType,
        cacheControl = file.CacheControl,
        lastModified = Time(file.Updated),
        contentLength = file.Content.Length,
        httpStatusCode = 200,
    };

    private static void CheckKey(string name)
    {
        if (name.Any(letter => !char.IsAscii(letter)) || name.Length == 0) throw Fault("400", "InvalidKey", $"Invalid key: {name}", "InvalidKey");
    }

    private static async Task SendAsync(HttpRequest request, HttpResponse response, StoredObject file)
    {
        response.ContentType = file.ContentType;
        response.Headers.CacheControl = file.CacheControl;
        response.Headers.ETag = file.Tag;
        response.Headers.AcceptRanges = "bytes";
        response.Headers.LastModified = file.Updated.ToString("R", CultureInfo.InvariantCulture);
        var content = file.Content.AsMemory();
        if (request.GetTypedHeaders().Range?.Ranges.FirstOrDefault() is { From: { } from } range)
        {
            var to = Math.Min(range.To ?? content.Length - 1, content.Length - 1);
            response.StatusCode = 206;
            response.Headers.ContentRange = $"bytes {from}-{to}/{content.Length}";
            content = content[(int)from..(int)(to + 1)];
        }

        response.ContentLength = content.Length;
        if (request.Method != "HEAD") await response.Body.WriteAsync(content);
    }

    private static async Task WriteAsync(HttpRequest request, HttpResponse response, int status, string json)
    {
        var bytes = Encoding.UTF8.GetBytes(json);
        (response.StatusCode, response.ContentType, response.ContentLength) = (status, "application/json; charset=utf-8", bytes.Length);
        if (request.Method != "HEAD") await response.Body.WriteAsync(bytes);
    }

    private static async Task<JsonElement> JsonAsync(HttpRequest request)
    {
        using var document = await JsonDocument.ParseAsync(request.Body);
        return document.RootElement.Clone();
    }

    private static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    private static StorageException NoBucket() => Fault("404", "Bucket not found", "Bucket not found", "NoSuchBucket");

    private static StorageException Duplicate() => Fault("409", "Duplicate", "The resource already exists", "KeyAlreadyExists");

    private static StorageException Fault(string status, string error, string message, string code) => new(status, error, message, code);
}

/// <summary>An error of Storage's: HTTP 400, whatever its own status says.</summary>
internal sealed class StorageException(string status, string error, string message, string code) : Exception(message)
{
    public string Status => status;

    public string Error => error;

    public string Code => code;
}
