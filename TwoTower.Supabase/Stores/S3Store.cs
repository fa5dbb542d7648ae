using System.Net;
using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using TwoTower.Core;
using TwoTower.Supabase.Http;

namespace TwoTower.Supabase.Stores;

/// <summary>
/// A bucket of any S3-compatible store. Keys, region and endpoint are where AWS' own tools look for them: AWS_ACCESS_KEY_ID,
/// AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL_S3, profiles, a machine's role.
/// </summary>
internal sealed class S3Store : ArtifactStore
{
    private const string CopySource = "x-amz-copy-source";
    private readonly AmazonS3Client _s3;
    private readonly string _bucket;
    private readonly string _prefix;

    /// <param name="prefix">What names begin with; empty: nothing.</param>
    /// <param name="variable">Reads a variable.</param>
    /// <exception cref="InputException">There are no keys.</exception>
    public S3Store(string bucket, string prefix, Func<string, string?> variable)
    {
        (_bucket, _prefix) = (bucket, prefix.Trim('/') is { Length: > 0 } folder ? folder + "/" : "");
        var endpoint = variable("AWS_ENDPOINT_URL_S3") ?? variable("AWS_ENDPOINT_URL");
        var region = variable("AWS_REGION") ?? variable("AWS_DEFAULT_REGION");
        var config = new AmazonS3Config
        {
            // The newest checksums are Amazon's alone.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
            MaxErrorRetry = RetryRules.Most,
            RetryMode = RequestRetryMode.Standard,
        };
        if (endpoint is { Length: > 0 })
        {
            // Other stores have the bucket in the path, not in the host's name.
            (config.ServiceURL, config.ForcePathStyle) = (endpoint, true);
            config.AuthenticationRegion = region ?? "us-east-1";
        }
        else if (region is { Length: > 0 })
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(region);
        }

        try
        {
            _s3 = (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"), variable("AWS_SESSION_TOKEN")) switch
            {
                ({ Length: > 0 } id, { Length: > 0 } secret, { Length: > 0 } token) =>
                    new(new SessionAWSCredentials(id, secret, token), config),
                ({ Length: > 0 } id, { Length: > 0 } secret, _) => new(new BasicAWSCredentials(id, secret), config),
                _ => new(config),
            };
        }
        catch (AmazonClientException error)
        {
            throw new InputException($"s3://{bucket} can't be used: {error.Message.TrimEnd('.')}. Set AWS_REGION, or AWS_ENDPOINT_URL_S3 for a store that isn't Amazon's.", error);
        }

        _s3.BeforeRequestEvent += KeepSlashes;
    }

    public override string Name => $"s3://{_bucket}/{_prefix}";

    public override string Place => $"{Name} at {_s3.Config.ServiceURL ?? "Amazon"}";

    public override Task PrepareAsync(Action<string> say, CancellationToken ct) => CallAsync("", async () =>
    {
        await _s3.ListObjectsV2Async(new() { BucketName = _bucket, Prefix = _prefix, MaxKeys = 1 }, ct);
        return true;
    }, ct);

    public override Task<Stream?> OpenAsync(string name, CancellationToken ct) => CallAsync(name, async () =>
    {
        try
        {
            return (Stream?)(await _s3.GetObjectAsync(new() { BucketName = _bucket, Key = _prefix + name }, ct)).ResponseStream;
        }
        catch (AmazonS3Exception error) when (IsAbsent(error))
        {
            return null;
        }
    }, ct);

    public override Task<StoredTag?> TagAsync(string name, CancellationToken ct) => CallAsync<StoredTag?>(name, async () =>
    {
        try
        {
            var found = await _s3.GetObjectMetadataAsync(new() { BucketName = _bucket, Key = _prefix + name }, ct);
            return new(found.ETag ?? "", found.ContentLength);
        }
        catch (AmazonS3Exception error) when (IsAbsent(error))
        {
            return null;
        }
    }, ct);

    public override Task WriteAsync(string name, string path, CancellationToken ct) => CallAsync(name, async () =>
    {
        var request = new PutObjectRequest
        {
            BucketName = _bucket,
            Key = _prefix + name,
            FilePath = path,
            ContentType = TypeOf(name),
            UseChunkEncoding = false
        };
        request.Headers.CacheControl = "max-age=0";
        await _s3.PutObjectAsync(request, ct);
        return true;
    }, ct);

    public override Task<IReadOnlyList<string>> FoldersAsync(string folder, CancellationToken ct) => CallAsync(folder, async () =>
    {
        var below = $"{_prefix}{folder}/";
        var found = await _s3.ListObjectsV2Async(new() { BucketName = _bucket, Prefix = below, Delimiter = "/" }, ct);
        return (IReadOnlyList<string>)[.. (found.CommonPrefixes ?? []).Select(path => path[below.Length..].TrimEnd('/'))];
    }, ct);

    public override Task<bool> CopyAsync(string from, string to, CancellationToken ct) => CallAsync(to, async () =>
    {
        try
        {
            await _s3.CopyObjectAsync(new()
            {
                SourceBucket = _bucket,
                SourceKey = _prefix + from,
                DestinationBucket = _bucket,
                DestinationKey = _prefix + to
            }, ct);
            return true;
        }
        catch (AmazonS3Exception error) when (IsAbsent(error))
        {
            return false;
        }
    }, ct);

    public override Task DeleteAsync(string name, CancellationToken ct) => CallAsync(name, async () =>
    {
        await _s3.DeleteObjectAsync(new() { BucketName = _bucket, Key = _prefix + name }, ct);
        return true;
    }, ct);

    public override void Dispose()
    {
        _s3.Dispose();
        base.Dispose();
    }

    // Amazon decodes the slashes of a copy's source, which the SDK encodes. Others don't.
    private static void KeepSlashes(object sender, RequestEventArgs e)
    {
        if (e is WebServiceRequestEventArgs request && request.Headers.TryGetValue(CopySource, out var source))
        {
            request.Headers[CopySource] = source.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
        }
    }

    private static bool IsAbsent(AmazonS3Exception error) => error.StatusCode == HttpStatusCode.NotFound && error.ErrorCode != "NoSuchBucket";

    private async Task<T> CallAsync<T>(string name, Func<Task<T>> call, CancellationToken ct)
    {
        try
        {
            return await call();
        }
        catch (AmazonS3Exception error) when (error.ErrorCode == "NoSuchBucket")
        {
            throw new InputException($"There is no bucket {_bucket} at {_s3.Config.ServiceURL ?? "Amazon"}: make it, or name another (s3://BUCKET/PREFIX).", error);
        }
        catch (AmazonS3Exception error) when ((int)error.StatusCode is >= 400 and < 500)
        {
            var code = error.ErrorCode ?? $"status {(int)error.StatusCode}";
            throw new InputException(
                $"{Name}{name} is refused ({code}: {error.Message.TrimEnd('.')}): check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and what they may do.", error);
        }
        catch (AmazonServiceException error)
        {
            throw new RemoteException($"{Name}{name} fails ({error.Message.TrimEnd('.')}); the same command goes on where it was.", error);
        }
        catch (AmazonClientException error)
        {
            throw new InputException($"{Name} can't be used: {error.Message.TrimEnd('.')}. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile.", error);
        }
        catch (Exception error) when (RetryRules.IsBroken(error, ct))
        {
            throw new InputException($"{Name} doesn't answer ({error.Message.TrimEnd('.')}): correct AWS_ENDPOINT_URL_S3, or try again when it does.", error);
        }
    }
}
