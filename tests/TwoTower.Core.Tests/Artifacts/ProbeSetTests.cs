using TwoTower.Core.Artifacts;
using TwoTower.Core.Features;
using TwoTower.Core.Inference;
using TwoTower.Testing;

namespace TwoTower.Core.Tests.Artifacts;

public sealed class ProbeSetTests
{
    [Fact]
    public void The_probes_are_what_the_networks_give()
    {
        var checkpoint = TestCheckpoints.Golden() with { Probes = ProbeSet.Choose(Golden.ItemPayloads) };
        var files = new ReleaseFileSet("test", ReleaseFiles.Build(checkpoint, Golden.AsOf));
        var probes = ProbeSet.Parse(files[ArtifactNames.Probes], "test");
        Assert.Equal((ProbeSet.Count, ProbeSet.Count), (probes.Users.Count, probes.Items.Count));
        using var user = UserTower.FromFiles(files);
        using var item = ItemTower.FromFiles(files);
        var embedding = new float[256];
        foreach (var probe in probes.Users)
        {
            user.Encode(probe.Payload, probes.AsOf, embedding);
            for (var k = 0; k < 256; k++) Close.Equal(probe.Embedding[k], embedding[k], $"user [{k}]");
        }

        foreach (var probe in probes.Items)
        {
            item.Encode([probe.Payload], embedding);
            for (var k = 0; k < 256; k++) Close.Equal(probe.Embedding[k], embedding[k], $"item [{k}]");
        }
    }

    [Fact]
    public void Probes_differ_from_each_other_and_reach_all_of_the_inputs()
    {
        var checkpoint = TestCheckpoints.Random();
        var probes = ProbeSet.Make(checkpoint);
        Assert.Equal(ProbeSet.Count, probes.Users.Select(probe => string.Join(' ', probe.Embedding)).Distinct().Count());
        Assert.Equal(ProbeSet.Count, probes.Items.Select(probe => string.Join(' ', probe.Embedding)).Distinct().Count());

        // A weight behind any input moves some probe.
        var pipeline = new FeaturePipeline(checkpoint.Pipeline);
        var reached = new bool[pipeline.UserDim];
        foreach (var probe in probes.Users)
        {
            var features = new float[pipeline.UserDim];
            pipeline.EncodeUser(probe.Payload, probes.AsOf, features);
            for (var i = 0; i < features.Length; i++) reached[i] |= features[i] != 0;
        }

        Assert.All(reached, Assert.True);
    }

    [Fact]
    public void No_viewer_is_among_them_and_a_checkpoint_without_videos_gets_made_up_ones()
    {
        var probes = ProbeSet.Make(TestCheckpoints.Random());
        Assert.Empty(probes.Users.Select(probe => probe.Payload.UserId).Intersect(Golden.UserPayloads.Select(payload => payload.UserId)));
        Assert.Equal(ProbeSet.Count, probes.Items.Count);
        Assert.StartsWith("x can't be read", Assert.Throws<InputException>(() => ProbeSet.Parse("{}"u8, "x")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Few_videos_are_all_chosen_many_evenly()
    {
        Assert.Equal(3, ProbeSet.Choose([.. Golden.ItemPayloads.Take(3)]).Count);
        var chosen = ProbeSet.Choose(Golden.ItemPayloads);
        Assert.Equal(ProbeSet.Count, chosen.Distinct().Count());
        Assert.Same(Golden.ItemPayloads[0], chosen[0]);
    }
}
