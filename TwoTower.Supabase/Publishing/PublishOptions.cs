using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace TwoTower.Supabase.Publishing;

/// <summary>
/// Whether an embedder watches over a publication, as 'twotower publish PLACE --watch' does. Configuration section
/// <c>TwoTower:Embedder:Publish</c>. Addresses and keys come from the variables that the command reads: SUPABASE_URL,
/// SUPABASE_SECRET_KEY, AWS_….
/// </summary>
internal sealed record PublishOptions
{
    /// <summary>Where they are configured.</summary>
    public const string Section = "TwoTower:Embedder:Publish";

    /// <summary>What is watched: supabase, s3://BUCKET/PREFIX, or a folder. Empty: nothing.</summary>
    public string? Place { get; init; }

    /// <summary>The bucket of Supabase Storage.</summary>
    [Required]
    public string Bucket { get; init; } = EdgeRuntime.Bucket;

    /// <summary>The folder of the readers' generation, such as v3. Empty: that of the release which is live at the first look.</summary>
    [RegularExpression(@"v\d{1,4}", ErrorMessage = "Major: it is a generation such as v3.")]
    public string? Major { get; init; }

    /// <summary>Time between two looks.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "1.00:00:00")]
    public TimeSpan Every { get; init; } = TimeSpan.FromMinutes(1);
}

/// <summary>Ends a start with the option's name when a value is out of range.</summary>
[OptionsValidator]
internal sealed partial class PublishOptionsValidator : IValidateOptions<PublishOptions>;
