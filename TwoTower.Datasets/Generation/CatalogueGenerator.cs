using System.ComponentModel.DataAnnotations;
using TwoTower.Core;
using TwoTower.Core.Rows;

namespace TwoTower.Datasets.Generation;

/// <summary>
/// Makes up a catalogue that looks like a real one and whose users have tastes that a model can learn: for the demo, for load tests, and
/// for whoever has no data yet.
/// </summary>
internal static class CatalogueGenerator
{
    /// <summary>Generates a catalogue; the same options give the same rows, decisions in order of time.</summary>
    /// <exception cref="InputException">A size is out of range.</exception>
    public static TableSet Generate(GeneratorOptions options)
    {
        try
        {
            Validator.ValidateObject(options, new ValidationContext(options), validateAllProperties: true);
        }
        catch (ValidationException error)
        {
            throw new InputException($"The generator can't make this catalogue, the value is {error.Value}: {error.Message}", error);
        }

        var random = new StableRandom((ulong)options.Seed);
        var maker = new VideoMaker(options, random);
        var videos = Enumerable.Range(0, options.Videos).Select(maker.Make).ToList();
        var users = new UserMaker(options, random, videos);
        var decisions = new List<DecisionRow>();
        var profiles = Enumerable.Range(0, options.Users).Select(number => users.Make(number, decisions)).ToList();
        return new(
            profiles,
            [.. videos.Select(video => video.Row)],
            [.. decisions.OrderBy(decision => decision.CreatedAt).ThenBy(decision => decision.UserId).ThenBy(decision => decision.VideoId)])
        {
            VideoColumns = VideoMaker.Columns,
        };
    }
}
