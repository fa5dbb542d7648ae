using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using TwoTower.LocalPostgres.Clusters;
using TwoTower.LocalPostgres.Machine;
using TwoTower.LocalPostgres.Servers;

namespace TwoTower.LocalPostgres.Apt;

/// <summary>
/// PostgreSQL and pgvector from the distribution's newer suites, unpacked into a folder of our own with every library they need,
/// the C library included. The cache keeps it for all Homes; it is complete when its copy.json is there.
/// </summary>
internal sealed partial class PrivateCopy(string cache, Action<string> say)
{
    private static readonly string[] Tools = ["apt-get", "apt-cache", "dpkg-deb"];

    private const string Manifest = "copy.json";

    private const string NotApt = "this machine is neither Debian nor Ubuntu";

    private sealed record Description(int Major, string Version, string PgVector, string Programs);

    private string Debs => Path.Combine(cache, "debs");

    /// <summary>The finished copies in the cache, best first.</summary>
    public IReadOnlyList<PostgresPrograms> Cached()
    {
        if (!Directory.Exists(cache))
        {
            return [];
        }

        List<PostgresPrograms> found = [];
        foreach (var folder in Directory.EnumerateDirectories(cache, "postgresql-*"))
        {
            var manifest = Path.Combine(folder, Manifest);
            if (File.Exists(manifest) && JsonSerializer.Deserialize<Description>(File.ReadAllText(manifest)) is { } copy)
            {
                found.Add(Programs(folder, copy));
            }
        }

        return [.. found.OrderByDescending(static programs => programs.PgVector).ThenByDescending(static programs => programs.Major)];
    }

    /// <summary>Why this machine can't have a copy at all, without asking any mirror; null where it may.</summary>
    public static string? WhyNot() => File.Exists("/etc/os-release")
        ? Mirrors(OsRelease.Parse(File.ReadAllText("/etc/os-release")), AptSources.Read("/etc/apt")).Reason
        : NotApt;

    /// <summary>Makes a copy from the machine's mirror, or says why that can't be.</summary>
    public async Task<(PostgresPrograms? Programs, string? Reason)> MakeAsync(
        OsRelease? os, IReadOnlyList<AptSource> sources, CancellationToken ct)
    {
        var (mirrors, whyNot) = Mirrors(os, sources);
        if (whyNot is not null)
        {
            return (null, whyNot);
        }

        if (MakeCache() is { } unusable)
        {
            return (null, unusable);
        }

        using var gate = await FileLock.AcquireAsync(Path.Combine(cache, "lock"), say, ct);
        if (Cached() is [var made, ..])
        {
            // Another process made it while this one waited.
            return (made, null);
        }

        foreach (var unfinished in Directory.EnumerateDirectories(cache, "new-*"))
        {
            Directory.Delete(unfinished, recursive: true);
        }

        List<string> reasons = [];
        foreach (var mirror in mirrors.Take(2))
        {
            AptSuite? best = null;
            try
            {
                foreach (var suite in os!.Suites.Distinct())
                {
                    say($"looking for pgvector in {os.Distribution} {suite} at {mirror.ShownUri}");
                    var (candidate, reason) = await AptSuite.OpenAsync(Path.Combine(cache, $"new-apt-{Guid.NewGuid():n}"), mirror, suite, os.Components, ct);
                    if (candidate is null)
                    {
                        reasons.Add($"{suite}: {reason}");
                        continue;
                    }

                    if (best is null || candidate.PgVector > best.PgVector)
                    {
                        best?.Dispose();
                        best = candidate;
                    }
                    else
                    {
                        candidate.Dispose();
                    }

                    if (best.PgVector >= PgVectorVersions.Safe)
                    {
                        break;
                    }
                }

                if (best is not null)
                {
                    return (await UnpackAsync(best, ct), null);
                }
            }
            catch (IOException e)
            {
                reasons.Add($"{mirror.ShownUri}: {e.Message}");
            }
            finally
            {
                best?.Dispose();
            }
        }

        return (null, string.Join("; ", reasons));
    }

    // Where a copy could come from, or why there is no such place.
    private static (IReadOnlyList<AptMirror> Mirrors, string? Reason) Mirrors(OsRelease? os, IReadOnlyList<AptSource> sources)
    {
        if (os is null)
        {
            return ([], NotApt);
        }

        if (Tools.FirstOrDefault(static tool => ProgramRunner.Find(tool) is null) is { } tool)
        {
            return ([], $"{tool} isn't on this machine");
        }

        var mirrors = AptSources.MirrorsOf(sources, os);
        return mirrors.Count > 0 ? (mirrors, null) : ([], $"apt has no source of {os.Distribution} {os.Codename} with the component main");
    }

    private string? MakeCache()
    {
        try
        {
            StateFolder.CreateEnterable(cache);
        }
        catch (UnauthorizedAccessException)
        {
            return $"the folder {cache} can't be made: name another one with TWOTOWER_CACHE";
        }

        return !ServerUser.Needed || StateFolder.EveryoneCanEnter(cache) ? null
            : $"the server doesn't run as root and can't read {cache}: name another folder with TWOTOWER_CACHE";
    }

    private async Task<PostgresPrograms> UnpackAsync(AptSuite suite, CancellationToken ct)
    {
        var packages = await suite.PackagesAsync(ct);
        var size = packages.Sum(static package => package.Size) / 1024 / 1024;
        say($"getting PostgreSQL {suite.Major} and pgvector {suite.PgVector} into {cache} ({packages.Count} packages, {size} MB; nothing is installed)");
        var files = await suite.Apt.DownloadAsync(packages, Debs, ct);

        var fresh = Path.Combine(cache, $"new-copy-{Guid.NewGuid():n}");
        StateFolder.CreateEnterable(fresh);
        foreach (var file in files)
        {
            var result = await ProgramRunner.RunAsync("dpkg-deb", ["-x", file, fresh], ct);
            if (!result.Succeeded)
            {
                throw new IOException($"{Path.GetFileName(file)} can't be unpacked: {result.Reason()}");
            }
        }

        var programs = Path.Combine("usr", "lib", "postgresql", suite.Major.ToString(CultureInfo.InvariantCulture), "bin");
        PrivateLoader.Wrap(fresh, programs);
        var version = await ProgramRunner.RunAsync(Path.Combine(fresh, programs, "postgres"), ["--version"], ct);
        if (!version.Succeeded)
        {
            throw new IOException($"the unpacked PostgreSQL doesn't run: {version.Reason()}");
        }

        var copy = new Description(suite.Major, VersionText().Match(version.Output).Value, suite.PgVector.ToString(), programs);
        await File.WriteAllTextAsync(Path.Combine(fresh, Manifest), JsonSerializer.Serialize(copy), ct);
        var final = Path.Combine(cache, $"postgresql-{copy.Version}-pgvector-{copy.PgVector}-{System.Runtime.InteropServices.RuntimeInformation.OSArchitecture}".ToLowerInvariant());
        if (Directory.Exists(final))
        {
            // Without its copy.json: damaged by hand.
            Directory.Delete(final, recursive: true);
        }

        Directory.Move(fresh, final);
        return Programs(final, copy);
    }

    private static PostgresPrograms Programs(string folder, Description copy) =>
        new(Path.Combine(folder, copy.Programs), copy.Major, Version.Parse(copy.PgVector), $"a private copy in {folder}");

    [GeneratedRegex(@"\d+(\.\d+)+|\d+\S*")]
    private static partial Regex VersionText();
}
