using System.Globalization;
using System.Text.RegularExpressions;

namespace TwoTower.Repository.Tests;

/// <summary>Wherever the repository names the pgvector to install, it is one that can't corrupt an index.</summary>
public partial class PgVectorPinTests
{
    [Fact]
    public void Every_pin_of_pgvector_is_at_least_the_safe_version()
    {
        var safe = Safe().Match(RepositoryFiles.Read("TwoTower.Postgres/Connections/PgVectorVersions.cs"));
        var least = new Version(int.Parse(safe.Groups[1].Value, CultureInfo.InvariantCulture),
            int.Parse(safe.Groups[2].Value, CultureInfo.InvariantCulture), int.Parse(safe.Groups[3].Value, CultureInfo.InvariantCulture));
        var pins = RepositoryFiles.With("", ".cmd", ".cs", ".csproj", ".json", ".ps1", ".sh", ".toml", ".yaml", ".yml")
            .SelectMany(path => Pins(RepositoryFiles.Read(path)).Select(version => (path, version))).ToList();

        Assert.Contains(pins, pin => pin.path == ".ci/pgvector.cmd");
        Assert.Contains(pins, pin => pin.path == "TwoTower.LocalPostgres/Container/ContainerEngine.cs");
        Assert.DoesNotContain(pins, pin => pin.version < least);
    }

    [Theory]
    [InlineData("image: docker.io/pgvector/pgvector:0.8.6-pg17-bookworm")]
    [InlineData("image: pgvector/pgvector:0.8.6")]
    [InlineData("set \"version=v0.8.6\"\ngit clone --branch %version% https://github.com/pgvector/pgvector.git")]
    [InlineData("git clone --branch v0.8.6 https://github.com/pgvector/pgvector.git")]
    [InlineData("PGVECTOR_VERSION=0.8.6")]
    [InlineData("apt-get install postgresql-17-pgvector=0.8.6-1.pgdg12+1")]
    public void A_pin_is_found_however_it_is_written(string text) => Assert.Contains(new Version(0, 8, 6), Pins(text));

    private static IEnumerable<Version> Pins(string text) => Pin().Matches(text).Select(pin => new Version(pin.Groups[1].Value))
        .Concat(text.Contains("pgvector.git", StringComparison.Ordinal)
            ? Branch().Matches(text).Select(pin => new Version(pin.Groups[1].Value)) : []);

    // An image's tag, alone or behind its name; a package's version; a variable of that name.
    [GeneratedRegex(@"(?:pgvector(?:_version)?[:=@]\s*""?v?(?=\d)|\b(?=[\d.]+-pg\d))(\d+\.\d+\.\d+)", RegexOptions.IgnoreCase)]
    private static partial Regex Pin();

    [GeneratedRegex(@"(?:--branch\s+|version=)v?(\d+\.\d+\.\d+)", RegexOptions.IgnoreCase)]
    private static partial Regex Branch();

    [GeneratedRegex(@"Version Safe = new\((\d+), (\d+), (\d+)\)")]
    private static partial Regex Safe();
}
