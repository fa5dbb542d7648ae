using TwoTower.Training.Randomness;

namespace TwoTower.Training.Samples;

/// <summary>
/// The videos that one user after another has not decided on. While most are undecided a draw is repeated until it hits one; when half
/// or fewer are left they are listed, so that a user who decided on nearly everything costs one pass and not thousands of draws.
/// </summary>
internal sealed class UndecidedVideos(int videos)
{
    private readonly int[] _decidedBy = new int[videos];
    private int[]? _rest;
    private int _user;
    private int _decided;

    /// <summary>Videos left for the current user.</summary>
    public int Count => videos - _decided;

    /// <summary>Forgets the last user.</summary>
    public void StartUser()
    {
        _user++;
        _decided = 0;
        _rest = null;
    }

    /// <summary>Takes out a video; again is nothing.</summary>
    public void Decided(int video)
    {
        if (_decidedBy[video] == _user) return;
        _decidedBy[video] = _user;
        _decided++;
    }

    /// <summary>
    /// One of the videos left, as likely as it is frequent in <paramref name="videos"/>; any of them where these are nearly all decided.
    /// </summary>
    public int DrawFrom(int[] videos, SeededRandom random)
    {
        const int Attempts = 64;
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var video = videos[random.Next(videos.Length)];
            if (_decidedBy[video] != _user) return video;
        }

        return Draw(random);
    }

    /// <summary>One of the videos left, each as likely, after the last <see cref="Decided"/> of a user.</summary>
    public int Draw(SeededRandom random)
    {
        if (Count > _decided)
        {
            while (true)
            {
                var video = random.Next(videos);
                if (_decidedBy[video] != _user) return video;
            }
        }

        if (_rest is null)
        {
            _rest = new int[Count];
            for (int video = 0, i = 0; video < videos; video++)
            {
                if (_decidedBy[video] != _user) _rest[i++] = video;
            }
        }

        return _rest[random.Next(_rest.Length)];
    }
}
