using System.IO.Compression;
using Microsoft.AspNetCore.ResponseCompression;

namespace TwoTower.Web.Hosting;

/// <summary>Answers compressed for clients that take it: in a list the same names come again and again.</summary>
internal static class CompressionExtensions
{
    public static void AddCompression(this IServiceCollection services)
    {
        services.AddResponseCompression(compression =>
        {
            // An answer has no secret beside what its client sent that could be guessed by its length (BREACH).
            compression.EnableForHttps = true;
            compression.MimeTypes = [.. ResponseCompressionDefaults.MimeTypes, "application/problem+json"];
        });
        services.Configure<BrotliCompressionProviderOptions>(brotli => brotli.Level = CompressionLevel.Fastest);
        services.Configure<GzipCompressionProviderOptions>(gzip => gzip.Level = CompressionLevel.Fastest);
    }
}
