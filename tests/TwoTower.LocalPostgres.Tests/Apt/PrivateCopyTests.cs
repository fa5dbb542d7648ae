using TwoTower.LocalPostgres.Apt;
using TwoTower.LocalPostgres.Machine;

namespace TwoTower.LocalPostgres.Tests.Apt;

public class PrivateCopyTests
{
    [Fact]
    public async Task An_interrupted_run_is_finished_by_the_next_one_whatever_it_was_doing()
    {
        Assert.SkipUnless(Mirror.Expected, Mirror.Missing);
        await using var server = TemporaryServer.Home();
        var cache = SeededCache(server.Options.Home);
        string[] arguments = ["provide", server.Options.Home, cache];
        foreach (var stage in new[] { "looking for pgvector", "getting PostgreSQL", "starting PostgreSQL", "creating a database cluster" })
        {
            var (exitCode, output) = await ProviderProcess.RunAsync(arguments, interruptAt: stage);
            Assert.True(exitCode is 130, $"interrupted at '{stage}' it exited with {exitCode}:\n{output}");
            if (stage == "getting PostgreSQL")
            {
                Assert.Empty(new PrivateCopy(cache, static _ => { }).Cached());

                // The copy is there for the later stages, beside what a killed run would have left half done.
                Directory.CreateDirectory(Path.Combine(cache, "new-copy-half", "usr"));
                var (made, reason) = await new PrivateCopy(cache, static _ => { }).MakeAsync(Mirror.Os, AptSources.Read("/etc/apt"), default);
                Assert.True(made is not null, reason);
                Assert.False(Directory.Exists(Path.Combine(cache, "new-copy-half")));
            }
        }

        var (finished, said) = await ProviderProcess.RunAsync(arguments);

        Assert.True(finished == 0, said);
        Assert.Matches(@"provided \d+ \d+\.\d+\.\d+ (started|reused)", said);
        Assert.Empty(Directory.EnumerateDirectories(cache, "new-*"));
        Assert.Empty(Directory.EnumerateDirectories(StateFolder.Of(server.Options.Home).Server, "new-*"));
        Assert.Contains("stopped", (await ProviderProcess.RunAsync(["stop", server.Options.Home, cache])).Output);
    }

    [Fact]
    public async Task A_user_without_rights_gets_a_server_too()
    {
        Assert.SkipUnless(Mirror.Expected, Mirror.Missing);
        Assert.SkipUnless(ServerUser.Needed, "this test run isn't root: every other test is the one without rights");
        Assert.SkipUnless(StateFolder.EveryoneCanEnter(AppContext.BaseDirectory), "the build output lies where other users can't read it");
        // initdb refuses a user id that has no name.
        const string Somebody = "nobody";
        using var folder = new TemporaryFolder();
        var cache = SeededCache(folder.Path);
        await ProgramRunner.RunAsync("chown", ["-R", Somebody, folder.Path], default);
        var (exitCode, output) = await ProviderProcess.RunAsync(["provide", folder.Path, cache], Somebody);
        Assert.True(exitCode == 0, output);
        try
        {
            Assert.Contains(" started", output);
            Assert.Contains(" reused", (await ProviderProcess.RunAsync(["provide", folder.Path, cache], Somebody)).Output);
        }
        finally
        {
            Assert.Contains("stopped", (await ProviderProcess.RunAsync(["stop", folder.Path, cache], Somebody)).Output);
        }
    }

    [Fact]
    public async Task A_mirror_without_the_suite_is_a_reason_and_leaves_nothing_behind()
    {
        Assert.SkipUnless(Mirror.Expected, Mirror.Missing);
        using var cache = new TemporaryFolder();
        AptSource[] sources = [new() { Uris = [$"file:{cache.Path}/no-archive"], Suites = ["stable"], Components = ["main"] }];

        var (programs, reason) = await new PrivateCopy(cache.Path, static _ => { }).MakeAsync(Mirror.Os, sources, default);

        Assert.Null(programs);
        Assert.Contains("no-archive", reason);
        Assert.Empty(Directory.EnumerateDirectories(cache.Path));
    }

    [Fact]
    public async Task A_cache_that_the_server_could_not_read_is_refused_by_name()
    {
        Assert.SkipUnless(Mirror.Expected, Mirror.Missing);
        Assert.SkipUnless(ServerUser.Needed, "this test run isn't root");
        using var cache = new TemporaryFolder();
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(cache.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        var (programs, reason) = await new PrivateCopy(cache.Path, static _ => { }).MakeAsync(Mirror.Os, AptSources.Read("/etc/apt"), default);

        Assert.Null(programs);
        Assert.Contains($"can't read {cache.Path}: name another folder with TWOTOWER_CACHE", reason);
    }

    [Fact]
    public async Task A_machine_that_is_neither_Debian_nor_Ubuntu_is_told_so()
    {
        using var cache = new TemporaryFolder();
        Assert.Equal((null, "this machine is neither Debian nor Ubuntu"), await new PrivateCopy(cache.Path, static _ => { }).MakeAsync(null, [], default));
    }

    /// <summary>A cache without a finished copy; the packages that earlier runs downloaded are in it, so that they needn't come
    /// again.</summary>
    private static string SeededCache(string home)
    {
        var cache = Path.Combine(home, "cache");
        Directory.CreateDirectory(Path.Combine(cache, "debs"));
        var shared = Path.Combine(LocalPostgresOptions.DefaultCache(), "debs");
        foreach (var file in Directory.Exists(shared) ? Directory.EnumerateFiles(shared) : [])
        {
            File.Copy(file, Path.Combine(cache, "debs", Path.GetFileName(file)));
        }

        return cache;
    }
}
